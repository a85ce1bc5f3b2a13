-- Whose a device is, by all landed records. One that several people carry is nobody's.
SELECT device, min(person) AS person
FROM landed_customers
GROUP BY device
HAVING min(person) = max(person)
