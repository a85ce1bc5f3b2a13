-- Every landed accelerometer reading of whoever is published, each once, and whose it is.
SELECT DISTINCT person, "timestamp" AS moment, x, y, z
FROM accelerometer_landing
INNER JOIN (
  -- An address is put into one form once and not for each of its readings: that takes longer than all the rest.
  SELECT "user" AS spelling, matching_key("user") AS person
  FROM accelerometer_landing
  GROUP BY "user"
) AS addresses ON spelling = "user"
WHERE person IN (SELECT email FROM customer_trusted UNION SELECT email FROM participants)
