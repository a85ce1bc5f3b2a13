-- How many people ever agreed to research, how many do now, and how many withdrew.
SELECT
  count(DISTINCT CASE WHEN readable THEN landed.person END) AS people,
  count(DISTINCT CASE WHEN landed.since IS NOT NULL THEN landed.person END) AS ever_agreed,
  count(DISTINCT consents.person) AS agree_now,
  count(DISTINCT CASE WHEN landed.since IS NOT NULL AND consents.person IS NULL THEN landed.person END) AS withdrew
FROM landed_customers AS landed
LEFT JOIN consents ON consents.person = landed.person
