-- What could not be read, of all feeds.
SELECT 'customer' AS feed, * FROM customer_quarantine
UNION ALL
SELECT 'accelerometer', * FROM accelerometer_quarantine
UNION ALL
SELECT 'step_trainer', * FROM step_trainer_quarantine
