-- The raw accelerometer readings as an external table, for looking at what landed before any parsing (personal data!).
-- Named raw_accelerometer, because accelerometer_landing is the Iceberg table made of it; and in the restricted database,
-- because nobody in it was asked yet.
-- It shows files of one object a line; a line that is no JSON is a row of nulls. `stedi run` reads every other form, too.
CREATE EXTERNAL TABLE IF NOT EXISTS raw_accelerometer (
  `user` string,
  `timestamp` bigint,
  x double,
  y double,
  z double
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true', 'case.insensitive' = 'true')
LOCATION 's3://${bucket}/${prefix}/accelerometer/landing/'
