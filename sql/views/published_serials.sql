-- How the serial numbers in step_trainer_trusted are written, and which device each stands for.
SELECT serialNumber AS spelling, matching_key(serialNumber) AS device
FROM step_trainer_trusted
GROUP BY serialNumber
