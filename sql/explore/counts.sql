-- How many rows every table has.
SELECT '1 customer_landing' AS table_name, count(*) AS "rows" FROM customer_landing
UNION ALL
SELECT '2 accelerometer_landing', count(*) FROM accelerometer_landing
UNION ALL
SELECT '3 step_trainer_landing', count(*) FROM step_trainer_landing
UNION ALL
SELECT '4 customer_trusted', count(*) FROM customer_trusted
UNION ALL
SELECT '5 accelerometer_trusted', count(*) FROM accelerometer_trusted
UNION ALL
SELECT '6 step_trainer_trusted', count(*) FROM step_trainer_trusted
UNION ALL
SELECT '7 customers_curated', count(*) FROM customers_curated
UNION ALL
SELECT '8 machine_learning_curated', count(*) FROM machine_learning_curated
ORDER BY table_name
