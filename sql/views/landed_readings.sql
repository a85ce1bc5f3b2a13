-- Every landed accelerometer reading, each once, and whose it is.
SELECT DISTINCT matching_key("user") AS person, "timestamp" AS moment, x, y, z
FROM accelerometer_landing
