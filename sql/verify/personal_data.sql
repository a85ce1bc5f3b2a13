-- Does machine_learning_curated hold nothing that tells who somebody is? For a column too many, "rows" counts columns.
WITH personal AS (
  SELECT person AS value FROM landed_customers
  UNION
  SELECT device FROM landed_customers
  UNION
  SELECT device FROM landed_steps
),

found AS (
  SELECT 'participantIds that are no random number' AS problem
  FROM machine_learning_curated
  WHERE NOT coalesce(
    regexp_like(participantId, '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'), false
  )
  UNION ALL
  SELECT 'participantIds that are an address or a serial number'
  FROM machine_learning_curated
  INNER JOIN personal ON value = participantId
  UNION ALL
  SELECT 'columns that do not belong there'
  FROM information_schema.columns
  WHERE table_schema = :database
    AND table_name = 'machine_learning_curated'
    AND lower(column_name) NOT IN ('participantid', 'sensorreadingtime', 'distancefromobject', 'x', 'y', 'z')
)

SELECT 'machine_learning_curated' AS table_name, problem, count(*) AS "rows"
FROM found
GROUP BY problem
ORDER BY problem
