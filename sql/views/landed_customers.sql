-- Every customer record: whose it is, which device it names, when it was written, since when the person agrees (null:
-- does not), and how many years old they were when they registered (null: unknown). A record that cannot be read counts
-- as a refusal of everybody it names, and devices that it names as carried by them: it may be a withdrawal.
SELECT
  matching_key(email) AS person,
  matching_key(serialNumber) AS device,
  coalesce(lastUpdateDate, registrationDate) AS written,
  shareWithResearchAsOfDate AS since,
  CASE
    WHEN birthDayValid
    -- 20220618 - 19700619 = 519999: 51 completed years.
    THEN floor((registered - try_cast(replace(birthDay, '-', '') AS integer)) / 1e4)
  END AS age,
  true AS readable
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
UNION ALL
SELECT matching_key(email), NULL, moment, NULL, NULL, false
FROM customer_quarantine
CROSS JOIN UNNEST(split(people, chr(10))) AS named (email)
UNION ALL
-- The first and the last of them tell as well as all whether a device is one person's.
SELECT matching_key(element_at(split(people, chr(10)), 1)), matching_key(serialNumber), moment, NULL, NULL, false
FROM customer_quarantine
CROSS JOIN UNNEST(split(devices, chr(10))) AS carried (serialNumber)
WHERE people IS NOT NULL
UNION ALL
SELECT matching_key(element_at(split(people, chr(10)), -1)), matching_key(serialNumber), moment, NULL, NULL, false
FROM customer_quarantine
CROSS JOIN UNNEST(split(devices, chr(10))) AS carried (serialNumber)
WHERE people IS NOT NULL
