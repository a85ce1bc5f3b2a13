-- Is every row of a release one that machine_learning_curated still has, is nobody in two parts, and is there of every
-- release what its last revision says?
WITH rows_now AS (
  SELECT release, part, count(*) AS "rows"
  FROM ml_release
  GROUP BY release, part
),

latest AS (
  SELECT revisions.*
  FROM release_revisions AS revisions
  INNER JOIN (
    SELECT release, max(revision) AS revision
    FROM release_revisions
    GROUP BY release
  ) AS last ON last.release = revisions.release AND last.revision = revisions.revision
),

told AS (
  SELECT release, 'train' AS part, trainRows AS "rows" FROM latest
  UNION ALL
  SELECT release, 'validation', validationRows FROM latest
  UNION ALL
  SELECT release, 'test', testRows FROM latest
),

found AS (
  SELECT 'rows that machine_learning_curated does not have' AS problem, count(*) AS "rows"
  FROM ml_release
  LEFT JOIN (
    SELECT DISTINCT participantId, sensorReadingTime, distanceFromObject, x, y, z
    FROM machine_learning_curated
  ) AS ml
    ON ml.participantId = ml_release.participantId
    AND ml.sensorReadingTime = ml_release.sensorReadingTime
    AND ml.distanceFromObject = ml_release.distanceFromObject
    AND ml.x = ml_release.x
    AND ml.y = ml_release.y
    AND ml.z = ml_release.z
  WHERE ml.participantId IS NULL
  UNION ALL
  SELECT 'rows of participants who are in two parts', count(*)
  FROM ml_release
  INNER JOIN (
    SELECT participantId
    FROM ml_release
    GROUP BY participantId
    HAVING min(part) <> max(part)
  ) AS twice ON twice.participantId = ml_release.participantId
  UNION ALL
  SELECT 'rows more or less than the last revision says', sum(abs(difference))
  FROM (
    SELECT release, part, sum(n) AS difference
    FROM (
      SELECT release, part, "rows" AS n FROM rows_now
      UNION ALL
      SELECT release, part, -"rows" FROM told
    ) AS books
    GROUP BY release, part
  ) AS differences
)

SELECT 'ml_release' AS table_name, problem, "rows"
FROM found
WHERE "rows" > 0
ORDER BY problem
