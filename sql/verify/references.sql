-- Does every row lead to the rows that it was made from?
WITH found AS (
  SELECT 'customer_trusted' AS table_name, 'rows that no deciding landed record has' AS problem
  FROM customer_trusted AS customers
  WHERE NOT EXISTS (
    SELECT 1
    FROM landed_customers AS landed
    INNER JOIN consents ON consents.person = landed.person AND consents.since = landed.since
    WHERE landed.person = customers.email
      AND landed.device = customers.serialNumber
      AND landed.since = customers.shareWithResearchAsOfDate
      AND landed.written IS NOT DISTINCT FROM consents.written
  )
  UNION ALL
  SELECT 'accelerometer_trusted', 'rows of nobody in customer_trusted'
  FROM accelerometer_trusted
  WHERE NOT EXISTS (SELECT 1 FROM customer_trusted WHERE customer_trusted.email = accelerometer_trusted."user")
  UNION ALL
  SELECT 'customers_curated', 'rows that customer_trusted has not'
  FROM customers_curated AS customers
  WHERE NOT EXISTS (
    SELECT 1
    FROM customer_trusted AS trusted
    WHERE trusted.email = customers.email AND trusted.serialNumber = customers.serialNumber
  )
  UNION ALL
  SELECT 'customers_curated', 'people without a reading in accelerometer_trusted'
  FROM customers_curated
  WHERE NOT EXISTS (SELECT 1 FROM accelerometer_trusted WHERE accelerometer_trusted."user" = customers_curated.email)
  UNION ALL
  SELECT 'customers_curated', 'people without a participantId'
  FROM customers_curated
  WHERE NOT EXISTS (SELECT 1 FROM participants WHERE participants.email = customers_curated.email)
  UNION ALL
  SELECT
    'step_trainer_trusted',
    CASE WHEN :step_people = 'trusted' THEN 'rows of nobody in customer_trusted' ELSE 'rows of nobody in customers_curated' END
  FROM step_trainer_trusted AS steps
  WHERE NOT EXISTS (
    SELECT 1
    FROM customers_curated
    WHERE customers_curated.serialNumber = steps.serialNumber
      AND customers_curated.email = coalesce(steps.attributedTo, customers_curated.email)
  )
    AND NOT (
      :step_people = 'trusted'
      AND EXISTS (
        SELECT 1
        FROM customer_trusted
        WHERE customer_trusted.serialNumber = steps.serialNumber
          AND customer_trusted.email = coalesce(steps.attributedTo, customer_trusted.email)
      )
    )
  UNION ALL
  SELECT 'machine_learning_curated', 'rows of a participantId that was not given'
  FROM machine_learning_curated AS ml
  WHERE NOT EXISTS (SELECT 1 FROM participants WHERE participants.participantId = ml.participantId)
  UNION ALL
  SELECT 'machine_learning_curated', 'rows without their step reading in step_trainer_trusted'
  FROM machine_learning_curated AS ml
  WHERE NOT EXISTS (
    SELECT 1
    FROM participants
    INNER JOIN customers_curated ON customers_curated.email = participants.email
    INNER JOIN step_trainer_trusted AS steps
      ON steps.serialNumber = customers_curated.serialNumber
      AND coalesce(steps.attributedTo, customers_curated.email) = customers_curated.email
    WHERE participants.participantId = ml.participantId
      AND steps.sensorReadingTime = ml.sensorReadingTime
      AND steps.distanceFromObject = ml.distanceFromObject
  )
  UNION ALL
  SELECT 'machine_learning_curated', 'rows without their reading in accelerometer_trusted'
  FROM machine_learning_curated AS ml
  WHERE NOT EXISTS (
    SELECT 1
    FROM accelerometer_trusted AS readings
    WHERE readings."timestamp" = ml.sensorReadingTime
      AND readings.x = ml.x
      AND readings.y = ml.y
      AND readings.z = ml.z
  )
)

SELECT table_name, problem, count(*) AS "rows"
FROM found
GROUP BY table_name, problem
ORDER BY table_name, problem
