-- The raw customer records as an external table, for looking at what landed before any parsing (personal data!).
-- Named raw_customer, because customer_landing is the Iceberg table made of it; and in the restricted database,
-- because nobody in it was asked yet.
-- It shows files of one object a line; a line that is no JSON is a row of nulls. `stedi run` reads every other form, too.
CREATE EXTERNAL TABLE IF NOT EXISTS raw_customer (
  customerName string,
  email string,
  phone string,
  birthDay string,
  serialNumber string,
  registrationDate bigint,
  lastUpdateDate bigint,
  shareWithResearchAsOfDate bigint,
  shareWithPublicAsOfDate bigint,
  shareWithFriendsAsOfDate bigint
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true', 'case.insensitive' = 'true')
LOCATION 's3://${bucket}/${prefix}/customer/landing/'
