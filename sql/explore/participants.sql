-- How much there is of every participant to learn from: rows, seconds from the first to the last, distances.
SELECT
  participantId AS participant_id,
  count(*) AS "rows",
  count(DISTINCT sensorReadingTime) AS moments,
  round((max(sensorReadingTime) - min(sensorReadingTime)) / 1e3, 1) AS seconds,
  min(distanceFromObject) AS nearest,
  max(distanceFromObject) AS farthest
FROM machine_learning_curated
GROUP BY participantId
ORDER BY "rows" DESC, participant_id
