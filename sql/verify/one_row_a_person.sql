-- Has every person one row, however their address is written?
WITH found AS (
  SELECT 'customer_trusted' AS table_name, 'rows too many of a person' AS problem,
    count(*) - count(DISTINCT matching_key(email)) AS "rows"
  FROM customer_trusted
  UNION ALL
  SELECT 'customers_curated', 'rows too many of a person', count(*) - count(DISTINCT matching_key(email))
  FROM customers_curated
  UNION ALL
  SELECT 'participants', 'rows too many of a person', count(*) - count(DISTINCT matching_key(email))
  FROM participants
  UNION ALL
  SELECT 'participants', 'participants with the number of another', count(*) - count(DISTINCT participantId)
  FROM participants
)

SELECT table_name, problem, "rows"
FROM found
WHERE "rows" > 0
ORDER BY table_name, problem
