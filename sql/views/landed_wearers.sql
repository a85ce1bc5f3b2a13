-- How the addresses of landed accelerometer readings are written, and whom each stands for.
SELECT "user" AS spelling, matching_key("user") AS person
FROM accelerometer_landing
GROUP BY "user"
