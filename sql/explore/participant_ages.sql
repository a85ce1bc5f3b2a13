-- How old the participants of machine_learning_curated were when they registered, in bands, by their oldest record.
WITH ages AS (
  SELECT ml.participantId, max(age) AS age
  FROM (SELECT DISTINCT participantId FROM machine_learning_curated) AS ml
  INNER JOIN participants ON participants.participantId = ml.participantId
  INNER JOIN landed_customers ON person = email
  WHERE readable
  GROUP BY ml.participantId
)

SELECT
  CASE
    WHEN age IS NULL THEN '6 unknown'
    WHEN age < 30 THEN '1 under 30'
    WHEN age < 45 THEN '2 30 to 44'
    WHEN age < 60 THEN '3 45 to 59'
    WHEN age < 75 THEN '4 60 to 74'
    ELSE '5 75 and over'
  END AS band,
  count(*) AS participants
FROM ages
GROUP BY 1
ORDER BY band
