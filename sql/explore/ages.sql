-- How old people were when they registered, in tens of years (null: unknown), and how many of them are trusted.
SELECT
  CAST(10 * floor(age / 10e0) AS integer) AS from_age,
  count(DISTINCT landed.person) AS people,
  count(DISTINCT customer_trusted.email) AS trusted
FROM landed_customers AS landed
LEFT JOIN customer_trusted ON customer_trusted.email = landed.person
WHERE readable
GROUP BY CAST(10 * floor(age / 10e0) AS integer)
ORDER BY from_age
