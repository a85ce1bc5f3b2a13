-- Is every row of somebody who agrees to research, and, where :consent says so, from after they agreed?
-- Judged by what has landed: somebody who withdrew since the last run shows, too.
WITH published AS (
  SELECT 'customer_trusted' AS table_name, matching_key(email) AS person, CAST(NULL AS bigint) AS moment
  FROM customer_trusted
  UNION ALL
  SELECT 'customers_curated', matching_key(email), NULL
  FROM customers_curated
  UNION ALL
  SELECT
    'accelerometer_trusted',
    person,
    CASE WHEN :consent IN ('as_of', 'as_of_accelerometer') THEN "timestamp" END
  FROM accelerometer_trusted
  LEFT JOIN published_addresses ON spelling = "user"
  UNION ALL
  -- Whose a reading is may be told by an accelerometer reading, which must not be from before the agreement either.
  SELECT
    'step_trainer_trusted',
    CASE WHEN attributedTo IS NULL THEN owners.person ELSE matching_key(attributedTo) END,
    CASE
      WHEN :consent = 'as_of' OR (:consent = 'as_of_accelerometer' AND attributedTo IS NOT NULL) THEN sensorReadingTime
    END
  FROM step_trainer_trusted
  LEFT JOIN published_serials ON spelling = serialNumber
  LEFT JOIN owners ON owners.device = published_serials.device
  UNION ALL
  SELECT
    'machine_learning_curated',
    participants.email,
    CASE
      WHEN :consent = 'as_of' OR (:consent = 'as_of_accelerometer' AND :match = 'person') THEN sensorReadingTime
    END
  FROM machine_learning_curated
  LEFT JOIN participants ON participants.participantId = machine_learning_curated.participantId
),

judged AS (
  SELECT
    table_name,
    CASE
      WHEN since IS NULL THEN 'rows of people who do not agree to research'
      WHEN moment < since THEN 'rows from before the person agreed'
    END AS problem
  FROM published
  LEFT JOIN consents ON consents.person = published.person
)

SELECT table_name, problem, count(*) AS "rows"
FROM judged
WHERE problem IS NOT NULL
GROUP BY table_name, problem
ORDER BY table_name, problem
