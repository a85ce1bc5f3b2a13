"""What the gate believes of the customers: every record, readable or not, and who shares a device.

The rules ask the same of `policies.people`; nothing of it is used here, so that a fault there cannot hide its own
effect. What both take as given is what landing reads: the standing audits look for that in the raw files.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.keys import matching_key

_NEWLINE = "\n"


def every_record(customer_landing: DataFrame, customer_quarantine: DataFrame) -> DataFrame:
    """Every record; one that cannot be read is a refusal of everybody it names, who carry every device in it.

    Args:
        customer_landing: a CustomerLanding frame.
        customer_quarantine: a Quarantine frame.

    Returns:
        A frame of email, serialNumber, registrationDate, lastUpdateDate and shareWithResearchAsOfDate.
    """
    readable = customer_landing.select(
        "email", "serialNumber", "registrationDate", "lastUpdateDate", "shareWithResearchAsOfDate"
    )
    texts = customer_quarantine.where(F.col("people").isNotNull()).select(
        F.split("people", _NEWLINE).alias("people"), F.split("devices", _NEWLINE).alias("devices"), "moment"
    )
    refusals = texts.select(F.explode("people").alias("email"), F.lit(None).alias("serialNumber"), "moment")
    # Of a text's people the first and the last in order stand for all: two make a device nobody's as well as twenty do.
    for carrier in (F.array_min("people"), F.array_max("people")):
        carried = texts.where(F.col("devices").isNotNull())
        refusals = refusals.unionByName(
            carried.select(carrier.alias("email"), F.explode("devices").alias("serialNumber"), "moment")
        )
    return readable.unionByName(
        refusals.select(
            "email",
            "serialNumber",
            F.lit(None).cast("bigint").alias("registrationDate"),
            F.col("moment").alias("lastUpdateDate"),
            F.lit(None).cast("bigint").alias("shareWithResearchAsOfDate"),
        )
    )


def shared_devices(records: DataFrame) -> DataFrame:
    """The devices that several people carry, by any record.

    Args:
        records: a frame with email and serialNumber.

    Returns:
        A frame of one column, `sharedDevice`, as a matching key.
    """
    carriers = records.select(
        matching_key("serialNumber").alias("sharedDevice"), matching_key("email").alias("carrier")
    ).distinct()
    counted = (
        carriers.where(F.col("sharedDevice").isNotNull()).groupBy("sharedDevice").agg(F.count("*").alias("people"))
    )
    return counted.where(F.col("people") > 1).select("sharedDevice")
