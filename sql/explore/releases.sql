-- Every release as it is now: its last revision, and how much has gone since it was created.
SELECT
  last.release,
  last.revision,
  created.recordedAt AS created_at,
  last.recordedAt AS revised_at,
  last.trainRows + last.validationRows + last.testRows AS "rows",
  last.trainParticipants + last.validationParticipants + last.testParticipants AS participants,
  gone.rows_gone,
  gone.participants_gone
FROM release_revisions AS last
INNER JOIN (
  SELECT
    release,
    max(revision) AS revision,
    sum(rowsGone) AS rows_gone,
    sum(participantsGone) AS participants_gone
  FROM release_revisions
  GROUP BY release
) AS gone ON gone.release = last.release AND gone.revision = last.revision
INNER JOIN release_revisions AS created ON created.release = last.release AND created.revision = 1
ORDER BY created_at, last.release
