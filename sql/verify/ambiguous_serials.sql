-- Is no step reading published of a serial number that several people carry, in whichever landed record? Where :serials
-- is 'evidence', those of whom evidence tells whose they are may be: see the view attributions.
WITH ambiguous AS (
  SELECT device
  FROM landed_customers
  GROUP BY device
  HAVING min(person) <> max(person)
),

found AS (
  SELECT 'step_trainer_trusted' AS table_name, ambiguous.device
  FROM step_trainer_trusted
  INNER JOIN ambiguous ON device = matching_key(serialNumber)
  LEFT JOIN attributions AS evidence
    ON evidence.device = ambiguous.device
    AND evidence.moment = sensorReadingTime
    AND evidence.person = matching_key(attributedTo)
  WHERE evidence.person IS NULL
  UNION ALL
  SELECT 'machine_learning_curated', ambiguous.device
  FROM machine_learning_curated AS ml
  INNER JOIN participants ON participants.participantId = ml.participantId
  INNER JOIN customers_curated ON customers_curated.email = participants.email
  INNER JOIN ambiguous ON device = serialNumber
  LEFT JOIN attributions AS evidence
    ON evidence.device = ambiguous.device
    AND evidence.moment = sensorReadingTime
    AND evidence.person = customers_curated.email
  WHERE evidence.person IS NULL
)

SELECT table_name, 'rows of a serial number that several people carry' AS problem, count(*) AS "rows"
FROM found
GROUP BY table_name
ORDER BY table_name
