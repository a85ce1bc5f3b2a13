-- Is no copy of a release out there that has rows which the release has no longer?
SELECT
  'ml_release' AS table_name,
  'exports of releases that somebody has left since: `stedi release list` names them' AS problem,
  count(*) AS "rows"
FROM release_exports AS exports
WHERE
  destroyedAt IS NULL
  AND EXISTS (
    SELECT 1
    FROM release_revisions AS later
    WHERE later.release = exports.release AND later.revision > exports.revision
  )
HAVING count(*) > 0
