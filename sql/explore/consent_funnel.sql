-- How many people there are at each step from registering to machine_learning_curated.
SELECT '1 registered' AS step, count(DISTINCT matching_key(email)) AS people FROM customer_landing
UNION ALL
SELECT '2 agreed to research', count(*) FROM customer_trusted
UNION ALL
SELECT '3 with accelerometer readings', count(*) FROM customers_curated
UNION ALL
SELECT '4 with step readings', count(DISTINCT serialNumber) FROM step_trainer_trusted
UNION ALL
SELECT '5 with readings of the same time', count(DISTINCT participantId) FROM machine_learning_curated
ORDER BY step
