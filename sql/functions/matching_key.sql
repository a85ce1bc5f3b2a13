-- matching_key(spelling): whom or what a landed address or serial number stands for: in ASCII, trimmed and lower-cased.
-- Landing has stored everything else by its key, which nothing here may change: engines know Unicode differently.
SELECT CASE
  WHEN regexp_like(:spelling, '[^\x00-\x7F]') THEN :spelling
  ELSE lower(regexp_replace(:spelling, '^[\s\x0B]+|[\s\x0B]+$', ''))
END AS matching_key
