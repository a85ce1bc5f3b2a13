-- Whose the step readings of a serial number are that several people carry, by evidence, where :serials says that it
-- counts: at each of these moments exactly one carrier moved, by all landed accelerometer readings. Only of serial numbers
-- of which everybody who carries them is known, has the app, and has said nothing since that cannot be read.
SELECT moved.device, moved.moment, min(moved.person) AS person
FROM (
  SELECT carried.device, carried.person, "timestamp" AS moment
  FROM carried
  INNER JOIN landed_wearers AS wearers ON wearers.person = carried.person
  INNER JOIN accelerometer_landing ON "user" = spelling
  WHERE :serials = 'evidence'
    AND carried.device IN (
      SELECT device
      FROM carried
      LEFT JOIN known_people ON known_people.person = carried.person
      LEFT JOIN (SELECT DISTINCT person FROM landed_wearers) AS apps ON apps.person = carried.person
      GROUP BY device
      HAVING min(carried.person) <> max(carried.person)
        AND bool_and(coalesce(NOT in_doubt, false))
        AND count(*) = count(apps.person)
    )
) AS moved
GROUP BY moved.device, moved.moment
HAVING min(moved.person) = max(moved.person)
