-- Every copy of a release that was handed out, for whom, and whether it must be replaced as rows have had to go since.
SELECT
  exports.export,
  exports.release,
  exports.revision,
  recipient,
  begunAt AS begun_at,
  digest IS NOT NULL AS finished,
  destroyedAt AS destroyed_at,
  destroyedAt IS NULL AND exports.revision < last.revision AS must_be_replaced
FROM release_exports AS exports
INNER JOIN (
  SELECT release, max(revision) AS revision
  FROM release_revisions
  GROUP BY release
) AS last ON last.release = exports.release
ORDER BY begun_at, exports.export
