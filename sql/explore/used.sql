-- What share of the landed readings may be used.
SELECT feed, landed, used, round(100e0 * used / nullif(landed, 0), 1) AS percent_used
FROM (
  SELECT
    'accelerometer' AS feed,
    (SELECT count(*) FROM accelerometer_landing) AS landed,
    (SELECT count(*) FROM accelerometer_trusted) AS used
  UNION ALL
  SELECT 'step_trainer', (SELECT count(*) FROM step_trainer_landing), (SELECT count(*) FROM step_trainer_trusted)
) AS feeds
ORDER BY feed
