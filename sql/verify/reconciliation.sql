-- Has every table exactly the rows that the rules make of what landed? Each table is made here once more, from what is
-- published before it. One row counts 1 where it should be and -1 where it is: what does not cancel out is wrong.
WITH customers AS (
  SELECT
    person,
    since,
    -- Where a person's records of the same moment differ in their age, either may be the one that was kept.
    :max_age IS NULL OR (ages_unknown = 0 AND oldest <= :max_age) AS must,
    :max_age IS NULL OR youngest <= :max_age AS may
  FROM consents
),

readings AS (
  SELECT landed_readings.*
  FROM landed_readings
  INNER JOIN customer_trusted ON customer_trusted.email = person
  INNER JOIN consents ON consents.person = landed_readings.person
  WHERE :consent = 'granted' OR moment >= since
),

steppers AS (
  SELECT serialNumber FROM customers_curated
  UNION
  SELECT serialNumber FROM customer_trusted WHERE :step_people = 'trusted'
),

steps AS (
  SELECT landed_steps.*, owners.person, CAST(NULL AS varchar) AS attributedTo
  FROM landed_steps
  INNER JOIN owners ON owners.device = landed_steps.device
  INNER JOIN steppers ON steppers.serialNumber = landed_steps.device
  INNER JOIN consents ON consents.person = owners.person
  WHERE :consent <> 'as_of' OR moment >= since
  UNION ALL
  SELECT landed_steps.*, attributions.person, attributions.person
  FROM landed_steps
  INNER JOIN attributions ON attributions.device = landed_steps.device AND attributions.moment = landed_steps.moment
  INNER JOIN (
    SELECT email, serialNumber FROM customers_curated
    UNION
    SELECT email, serialNumber FROM customer_trusted WHERE :step_people = 'trusted'
  ) AS people ON people.email = attributions.person AND people.serialNumber = landed_steps.device
  INNER JOIN consents ON consents.person = attributions.person
  WHERE :consent = 'granted' OR landed_steps.moment >= since
),

pairs AS (
  SELECT participantId, steps.moment, distanceFromObject, x, y, z
  FROM steps
  INNER JOIN customers_curated ON customers_curated.email = steps.person
  INNER JOIN participants ON participants.email = steps.person
  INNER JOIN readings ON readings.moment = steps.moment
  WHERE :match = 'timestamp' OR readings.person = steps.person
),

differences AS (
  SELECT 'customer_trusted' AS table_name, sum(n) AS difference
  FROM (
    SELECT person, 1 AS n FROM customers WHERE must
    UNION ALL
    SELECT email, -1
    FROM customer_trusted
    WHERE NOT EXISTS (SELECT 1 FROM customers WHERE may AND NOT must AND person = email)
  ) AS books
  GROUP BY person
  UNION ALL
  SELECT 'accelerometer_trusted', sum(n)
  FROM (
    SELECT person, moment, x, y, z, 1 AS n FROM readings
    UNION ALL
    SELECT "user", "timestamp", x, y, z, -1 FROM accelerometer_trusted
  ) AS books
  GROUP BY person, moment, x, y, z
  UNION ALL
  SELECT 'customers_curated', sum(n)
  FROM (
    SELECT email, 1 AS n
    FROM customer_trusted
    WHERE EXISTS (SELECT 1 FROM readings WHERE person = email)
    UNION ALL
    SELECT email, -1 FROM customers_curated
  ) AS books
  GROUP BY email
  UNION ALL
  SELECT 'step_trainer_trusted', sum(n)
  FROM (
    SELECT device, moment, distanceFromObject, attributedTo, 1 AS n FROM steps
    UNION ALL
    SELECT serialNumber, sensorReadingTime, distanceFromObject, attributedTo, -1 FROM step_trainer_trusted
  ) AS books
  GROUP BY device, moment, distanceFromObject, attributedTo
  UNION ALL
  SELECT 'machine_learning_curated', sum(n)
  FROM (
    SELECT participantId, moment, distanceFromObject, x, y, z, 1 AS n FROM pairs
    UNION ALL
    SELECT participantId, sensorReadingTime, distanceFromObject, x, y, z, -1 FROM machine_learning_curated
  ) AS books
  GROUP BY participantId, moment, distanceFromObject, x, y, z
),

found AS (
  SELECT table_name, 'rows that are missing' AS problem, sum(difference) AS "rows"
  FROM differences
  WHERE difference > 0
  GROUP BY table_name
  UNION ALL
  SELECT table_name, 'rows too many', -sum(difference)
  FROM differences
  WHERE difference < 0
  GROUP BY table_name
)

SELECT table_name, problem, "rows"
FROM found
ORDER BY table_name, problem
