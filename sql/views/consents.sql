-- Everybody who agrees to research, by the latest of their landed records. Of records of the same moment a refusal
-- counts; a refusal without any date counts always, an agreement without any only where nothing has a date.
-- `written`: when the deciding records were; `since`: since when the person agrees; `youngest`, `oldest`: their age at
-- registration, by the deciding records.
SELECT
  person,
  max(written) AS written,
  max(since) AS since,
  min(age) AS youngest,
  max(age) AS oldest,
  count(*) - count(age) AS ages_unknown
FROM (
  SELECT
    *,
    max(written) OVER (PARTITION BY person) AS last_written,
    max(CASE WHEN written IS NULL AND since IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY person) AS undated_refusal
  FROM landed_customers
) AS records
WHERE written IS NOT DISTINCT FROM last_written AND undated_refusal = 0
GROUP BY person
HAVING count(*) = count(since)
