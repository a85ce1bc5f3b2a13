-- Is no copy of a release out there that has rows which have had to go from the release since?
SELECT
  'ml_release' AS table_name,
  'exports that must be replaced, as rows have had to go from their releases: `stedi release list` names them' AS problem,
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
