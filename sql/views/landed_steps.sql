-- Every landed step reading, each once, and which device took it.
SELECT DISTINCT device, sensorReadingTime AS moment, distanceFromObject
FROM step_trainer_landing
INNER JOIN (
  -- See landed_readings.
  SELECT serialNumber AS spelling, matching_key(serialNumber) AS device
  FROM step_trainer_landing
  GROUP BY serialNumber
) AS serials ON spelling = serialNumber
