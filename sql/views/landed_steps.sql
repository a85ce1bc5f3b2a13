-- Every landed step reading, each once, and which device took it.
SELECT DISTINCT matching_key(serialNumber) AS device, sensorReadingTime AS moment, distanceFromObject
FROM step_trainer_landing
