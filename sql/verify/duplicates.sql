-- Is every reading there once, however often it was delivered?
-- Where :match is 'timestamp', two people's equal readings make equal rows of machine_learning_curated.
WITH found AS (
  SELECT 'accelerometer_trusted' AS table_name, copies
  FROM (
    SELECT count(*) AS copies
    FROM accelerometer_trusted
    LEFT JOIN published_addresses ON spelling = "user"
    GROUP BY person, "timestamp", x, y, z
  ) AS readings
  UNION ALL
  SELECT 'step_trainer_trusted', copies
  FROM (
    SELECT count(*) AS copies
    FROM step_trainer_trusted
    LEFT JOIN published_serials ON spelling = serialNumber
    GROUP BY device, sensorReadingTime, distanceFromObject
  ) AS steps
  UNION ALL
  SELECT 'machine_learning_curated', copies
  FROM (
    SELECT count(*) AS copies
    FROM machine_learning_curated
    GROUP BY participantId, sensorReadingTime, distanceFromObject, x, y, z
  ) AS pairs
  WHERE :match = 'person'
)

SELECT table_name, 'rows that are there several times' AS problem, sum(copies - 1) AS "rows"
FROM found
GROUP BY table_name
HAVING sum(copies - 1) > 0
ORDER BY table_name
