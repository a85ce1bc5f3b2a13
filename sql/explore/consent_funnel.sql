-- How many customer records landed, of how many people, and how many of those are left at each step from there to
-- machine_learning_curated.
SELECT '1 customer records' AS step, count(*) AS total FROM customer_landing
UNION ALL
SELECT '2 people', count(DISTINCT matching_key(email)) FROM customer_landing
UNION ALL
SELECT '3 who agree to research', count(*) FROM consents
UNION ALL
SELECT '4 in customer_trusted', count(*) FROM customer_trusted
UNION ALL
SELECT '5 with accelerometer readings', count(*) FROM customers_curated
UNION ALL
-- Whose a reading is by evidence, it says itself; else its serial number does.
SELECT '6 with step readings', count(DISTINCT coalesce(attributedTo, email))
FROM step_trainer_trusted
INNER JOIN customers_curated
  ON customers_curated.serialNumber = step_trainer_trusted.serialNumber
  AND (attributedTo IS NULL OR attributedTo = email)
UNION ALL
SELECT '7 in machine_learning_curated', count(DISTINCT participantId) FROM machine_learning_curated
ORDER BY step
