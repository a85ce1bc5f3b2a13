-- Whom or what an address or a serial number stands for, as it is written in any table: trimmed and lower-cased.
-- White space is what Unicode calls so (all but U+0085), as far as a capital sigma and a dotted capital I each letter
-- has one small one; letters younger than the engine's Unicode stay as they are.
SELECT
  spelling,
  replace(
    lower(replace(regexp_replace(spelling, '^[\s\x0B\p{Z}]+|[\s\x0B\p{Z}]+$', ''), 'İ', 'i̇')), 'ς', 'σ'
  ) AS matching_key
FROM (
  SELECT email AS spelling FROM customer_landing
  UNION
  SELECT serialNumber FROM customer_landing
  UNION
  SELECT "user" FROM accelerometer_landing
  UNION
  SELECT serialNumber FROM step_trainer_landing
  UNION
  SELECT email FROM customer_trusted
  UNION
  SELECT email FROM customers_curated
  UNION
  SELECT "user" FROM accelerometer_trusted
  UNION
  SELECT serialNumber FROM step_trainer_trusted
) AS spellings
