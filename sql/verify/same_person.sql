-- Does every row of machine_learning_curated hold readings of its own participant, as they landed?
-- Where :match is 'timestamp', accelerometer readings of others at the same time are what was asked for.
WITH pairs AS (
  SELECT email AS person, sensorReadingTime AS moment, distanceFromObject, x, y, z, count(*) AS copies
  FROM machine_learning_curated AS ml
  LEFT JOIN participants ON participants.participantId = ml.participantId
  GROUP BY email, sensorReadingTime, distanceFromObject, x, y, z
),

steps AS (
  SELECT DISTINCT owners.person, moment, distanceFromObject
  FROM landed_steps
  INNER JOIN owners ON owners.device = landed_steps.device
  UNION
  SELECT attributions.person, landed_steps.moment, distanceFromObject
  FROM landed_steps
  INNER JOIN attributions ON attributions.device = landed_steps.device AND attributions.moment = landed_steps.moment
),

judged AS (
  SELECT
    CASE WHEN steps.person IS NULL THEN copies ELSE 0 END AS foreign_steps,
    CASE
      WHEN :match <> 'person' THEN 0
      WHEN readings.person IS NULL THEN copies
      -- Two people at rest show the same values: of equal rows, only one can be the participant's own.
      ELSE copies - 1
    END AS foreign_readings
  FROM pairs
  LEFT JOIN steps
    ON steps.person = pairs.person
    AND steps.moment = pairs.moment
    AND steps.distanceFromObject = pairs.distanceFromObject
  LEFT JOIN landed_readings AS readings
    ON readings.person = pairs.person
    AND readings.moment = pairs.moment
    AND readings.x = pairs.x
    AND readings.y = pairs.y
    AND readings.z = pairs.z
),

found AS (
  SELECT 'rows with a step reading of somebody else' AS problem, sum(foreign_steps) AS "rows" FROM judged
  UNION ALL
  SELECT 'rows with an accelerometer reading of somebody else', sum(foreign_readings) FROM judged
)

SELECT 'machine_learning_curated' AS table_name, problem, "rows"
FROM found
WHERE "rows" > 0
ORDER BY problem
