-- Every landed customer record: whose it is, which device it names, when it was written, since when the person agrees
-- (null: does not), and how many years old they were when they registered (null: unknown).
SELECT
  matching_key(email) AS person,
  matching_key(serialNumber) AS device,
  coalesce(lastUpdateDate, registrationDate) AS written,
  shareWithResearchAsOfDate AS since,
  CASE
    WHEN birthDayValid
    -- 20220618 - 19700619 = 519999: 51 completed years.
    THEN floor((registered - try_cast(replace(birthDay, '-', '') AS integer)) / 1e4)
  END AS age
FROM (
  SELECT
    *,
    year(registrationDay) * 10000 + month(registrationDay) * 100 + day(registrationDay) AS registered
  FROM (
    SELECT
      *,
      date_add('day', CAST(floor(registrationDate / 864e5) AS integer), DATE '1970-01-01') AS registrationDay
    FROM customer_landing
  ) AS dated
) AS records
