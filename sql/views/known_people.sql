-- Everybody of whom a record can be read, and whether a text names them that may be later than the last of these. Of a
-- refusal without any date everything may be later.
SELECT
  person,
  coalesce(
    max(CASE WHEN NOT readable THEN coalesce(written, 9000000000000000) END)
    >= CASE
      WHEN max(CASE WHEN readable AND written IS NULL AND since IS NULL THEN 1 ELSE 0 END) = 1 THEN 0
      ELSE coalesce(max(CASE WHEN readable THEN written END), 0)
    END,
    false
  ) AS in_doubt
FROM landed_customers
GROUP BY person
HAVING bool_or(readable)
