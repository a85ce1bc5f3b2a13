-- How the addresses in accelerometer_trusted are written, and whom each stands for: found once and not for each reading.
SELECT "user" AS spelling, matching_key("user") AS person
FROM accelerometer_trusted
GROUP BY "user"
