-- Everybody who carries each device, by every landed record and every text that names both. A text that names a device
-- and nobody makes it nobody's: that carrier is ''.
SELECT matching_key(serialNumber) AS device, matching_key(email) AS person
FROM customer_landing
UNION
SELECT matching_key(serialNumber), matching_key(email)
FROM customer_quarantine
CROSS JOIN UNNEST(split(devices, chr(10))) AS named_devices (serialNumber)
CROSS JOIN UNNEST(split(coalesce(people, ''), chr(10))) AS named_people (email)
