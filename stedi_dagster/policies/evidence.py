"""Whose a step reading of a shared serial number is, by evidence: exactly one of its carriers moved at that moment.

It holds only where everybody who carries the serial number is known, has the app, and is not in doubt.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.keys import matching_key
from stedi_dagster.policies.people import known_people


def shared_serials(
    ambiguous: DataFrame, customer_landing: DataFrame, customer_quarantine: DataFrame, accelerometer_landing: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """What is known of the serial numbers that several people carry, and who of these moved when.

    Args:
        ambiguous: those serial numbers, see `people.ambiguous_serials`.
        customer_landing: a CustomerLanding frame.
        customer_quarantine: a Quarantine frame: what cannot be read names carriers, too.
        accelerometer_landing: an AccelerometerLanding frame, of everybody whether they agree or not.

    Returns:
        One row for each serial number: `key`, whether a carrier is `doubtful`, and whether one is `withoutApp`.
        And one for each moment at which any carrier of one that is neither moved: `carried` (the serial number),
        `moved` (epoch ms), and `mover`, who it was; null where several did.
    """
    known = known_people(customer_landing, customer_quarantine)
    carriers, doubtful = _carriers(ambiguous, customer_landing, customer_quarantine, known)
    # An address is put into one form once, and not for each of its readings.
    worn = accelerometer_landing.select("user").distinct().select("user", matching_key("user").alias("wearer"))
    wearers = worn.select("wearer").distinct()
    of_carriers = (
        carriers.join(known, on=F.col("carrier") == F.col("person"), how="left")
        .join(wearers, on=F.col("carrier") == F.col("wearer"), how="left")
        .groupBy("carried")
        .agg(
            F.max(F.coalesce("inDoubt", F.lit(True))).alias("inDoubt"),
            F.max(F.isnull("wearer")).alias("withoutApp"),
        )
    )
    serials = (
        ambiguous.join(of_carriers, on=F.col("ambiguousSerial") == F.col("carried"), how="left")
        .join(doubtful, on=F.col("ambiguousSerial") == F.col("doubtfulSerial"), how="left")
        .select(
            F.col("ambiguousSerial").alias("key"),
            (F.coalesce("inDoubt", F.lit(True)) | F.isnotnull("doubtfulSerial")).alias("doubtful"),
            F.coalesce("withoutApp", F.lit(True)).alias("withoutApp"),
        )
    )
    settled = serials.where(~F.col("doubtful") & ~F.col("withoutApp")).select(F.col("key").alias("settled"))
    movers = carriers.join(settled, on=F.col("carried") == F.col("settled"), how="left_semi").join(
        worn.withColumnRenamed("user", "spelling"), on=F.col("carrier") == F.col("wearer"), how="inner"
    )
    moved = (
        movers.select("carried", "carrier", "spelling")
        .join(accelerometer_landing, on=F.col("spelling") == F.col("user"), how="inner")
        .groupBy("carried", F.col("timestamp").alias("moved"))
        .agg(F.min("carrier").alias("one"), F.max("carrier").alias("other"))
    )
    mover = F.when(F.col("one") == F.col("other"), F.col("one"))
    return serials, moved.select("carried", "moved", mover.alias("mover"))


def _carriers(
    ambiguous: DataFrame, customer_landing: DataFrame, customer_quarantine: DataFrame, known: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """Who carries which shared serial number (`carried`, `carrier`), and which of them somebody unknown may carry.

    A text with somebody in it who is unknown or in doubt leaves its devices in doubt (`doubtfulSerial`), and so does
    one that names nobody: there it does not matter who else is in it.
    """
    landed = customer_landing.select(
        matching_key("serialNumber").alias("carried"), matching_key("email").alias("carrier")
    )
    texts = customer_quarantine.where(F.col("devices").isNotNull()).select("people", "devices").distinct()
    named = texts.where(F.col("people").isNotNull()).select("people", F.explode(F.split("people", "\n")).alias("name"))
    settled = (
        named.distinct()
        .select(F.col("people").alias("all"), matching_key("name").alias("named"))
        .join(known, on=F.col("named") == F.col("person"), how="left")
        .groupBy("all")
        .agg(F.max(F.coalesce("inDoubt", F.lit(True))).alias("unsettled"))
        .where(~F.col("unsettled"))
    )
    split = texts.join(settled, on=F.col("people") == F.col("all"), how="left").select(
        "people", F.isnull("all").alias("unsettled"), F.explode(F.split("devices", "\n")).alias("device")
    )
    of_texts = split.select("people", "unsettled", matching_key("device").alias("carried")).distinct()
    carried = of_texts.where(~F.col("unsettled")).select("carried", F.explode(F.split("people", "\n")).alias("name"))
    every = landed.unionByName(carried.select("carried", matching_key("name").alias("carrier"))).distinct()
    shared = every.join(ambiguous, on=F.col("carried") == F.col("ambiguousSerial"), how="left_semi")
    return shared, of_texts.where("unsettled").select(F.col("carried").alias("doubtfulSerial")).distinct()
