"""Which customers are kept: consent, duplicates, age; and which serial numbers say nothing about a person."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import CustomerLanding, CustomersCurated, CustomerTrusted
from stedi_dagster.contracts.base import LARGEST_LONG
from stedi_dagster.keys import matching_key, with_keys
from stedi_dagster.policies.selection import REASON, Selection, first_reason, select
from stedi_dagster.settings.policy import Policy

SUPERSEDED = "superseded by a later record"
NO_CONSENT = "no consent to research"
TOO_OLD = "older than max_age"
AGE_UNKNOWN = "age unknown under max_age"
IN_DOUBT = "a later record of theirs cannot be read"
NO_READINGS = "no accelerometer readings"


def trusted_customers(customer_landing: DataFrame, customer_quarantine: DataFrame, policy: Policy) -> Selection:
    """The latest record of every person who agreed to research, and of whom no later record is unreadable.

    Args:
        customer_landing: a CustomerLanding frame.
        customer_quarantine: a Quarantine frame: what cannot be read may be a withdrawal.
        policy: `max_age` applies.

    Returns:
        A CustomerTrusted frame and the counts of landing records.
    """
    rules = _disagreement()
    if policy.max_age is not None:
        age = _age_at_registration()
        rules += [(age.isNull(), AGE_UNKNOWN), (age > policy.max_age, TOO_OLD)]
    return select(_labelled(customer_landing, customer_quarantine, rules), CustomerTrusted.names())


def doubted_people(customer_landing: DataFrame, customer_quarantine: DataFrame) -> DataFrame:
    """Who is withheld by doubt alone: their latest record agrees, and a later one cannot be read.

    Args:
        customer_landing: a CustomerLanding frame.
        customer_quarantine: a Quarantine frame.

    Returns:
        A frame of one column, `doubted`, as a matching key.
    """
    labelled = _labelled(customer_landing, customer_quarantine, _disagreement())
    return labelled.where(F.col(REASON) == IN_DOUBT).select(F.col("email").alias("doubted"))


def agreeing_people(customer_landing: DataFrame, customer_quarantine: DataFrame) -> DataFrame:
    """Who agrees to research as of their latest word, also where another rule withholds them.

    Args:
        customer_landing: a CustomerLanding frame.
        customer_quarantine: a Quarantine frame: what cannot be read may be a withdrawal.

    Returns:
        A frame of one column, `agreeing`, as a matching key.
    """
    labelled = _labelled(customer_landing, customer_quarantine, _disagreement())
    return labelled.where(F.col(REASON).isNull()).select(F.col("email").alias("agreeing"))


def known_people(customer_landing: DataFrame, customer_quarantine: DataFrame) -> DataFrame:
    """Everybody with a record that can be read, and whether they are in doubt, whatever that record says.

    Args:
        customer_landing: a CustomerLanding frame.
        customer_quarantine: a Quarantine frame.

    Returns:
        A frame of `person`, as a matching key, and `inDoubt`: a text of theirs is not older than their latest record.
    """
    latest = _ranked(customer_landing, customer_quarantine).where(F.col("rank") == 1)
    in_doubt = F.coalesce(F.col("doubt") >= _written(), F.lit(False))
    return latest.select(F.col("email").alias("person"), in_doubt.alias("inDoubt"))


def curated_customers(customer_trusted: DataFrame, accelerometer_trusted: DataFrame) -> Selection:
    """The trusted customers who have accelerometer readings.

    Args:
        customer_trusted: a CustomerTrusted frame.
        accelerometer_trusted: an AccelerometerTrusted frame.

    Returns:
        A CustomersCurated frame and the counts of trusted customers.
    """
    active = accelerometer_trusted.select(F.col("user").alias("active")).distinct()
    joined = customer_trusted.join(active, on=F.col("email") == F.col("active"), how="left")
    labelled = joined.withColumn(REASON, first_reason((F.col("active").isNull(), NO_READINGS)))
    return select(labelled, CustomersCurated.names())


def with_doubtful(customer_landing: DataFrame, customer_quarantine: DataFrame) -> DataFrame:
    """All customer records, the unreadable ones as refusals with what can be read of them.

    Returns:
        A frame with the columns of CustomerLanding.
    """
    return customer_landing.select(*CustomerLanding.names()).unionByName(_doubtful(customer_quarantine))


def _labelled(
    customer_landing: DataFrame, customer_quarantine: DataFrame, rules: list[tuple[Column, str]]
) -> DataFrame:
    """All ranked records, with the first rule that withholds each."""
    return _ranked(customer_landing, customer_quarantine).withColumn(REASON, first_reason(*rules))


def _ranked(customer_landing: DataFrame, customer_quarantine: DataFrame) -> DataFrame:
    """All records by their keys: which of the person's it is, the latest being 1, and when their last doubt was."""
    last_doubt = F.max(F.coalesce("lastUpdateDate", F.lit(LARGEST_LONG)))
    doubts = (
        _doubtful(customer_quarantine).groupBy(matching_key("email").alias("doubtful")).agg(last_doubt.alias("doubt"))
    )
    records = with_keys(customer_landing, "email", "serialNumber").join(
        doubts, on=F.col("email") == F.col("doubtful"), how="left"
    )
    return records.withColumn("rank", F.row_number().over(Window.partitionBy("email").orderBy(*_latest_first())))


def _disagreement() -> list[tuple[Column, str]]:
    """Why a ranked record does not say that its person agrees."""
    return [
        (F.col("rank") > 1, SUPERSEDED),
        (F.col("shareWithResearchAsOfDate").isNull(), NO_CONSENT),
        (F.col("doubt") >= _written(), IN_DOUBT),
    ]


def _written() -> Column:
    """When a record was written, as it is held against what cannot be read."""
    return F.coalesce("lastUpdateDate", "registrationDate", F.lit(0))


def _doubtful(customer_quarantine: DataFrame) -> DataFrame:
    """One record for each person and each device that an unreadable one names, not for each pair of them."""
    named = customer_quarantine.where(F.col("people").isNotNull()).select(
        F.split("people", "\n").alias("people"), F.split("devices", "\n").alias("devices"), "moment"
    )
    people = named.select(
        F.explode("people").alias("email"), F.lit(None).cast("string").alias("serialNumber"), "moment"
    )
    # That a device is one person's or several's is all that a text tells of it, which two of the people tell, too.
    carriers = F.array_distinct(F.array(F.element_at("people", 1), F.element_at("people", -1)))
    devices = (
        named.where(F.col("devices").isNotNull())
        .select(F.explode("devices").alias("serialNumber"), carriers.alias("carriers"), "moment")
        .select(F.explode("carriers").alias("email"), "serialNumber", "moment")
    )
    known = {"email": F.col("email"), "serialNumber": F.col("serialNumber"), "lastUpdateDate": F.col("moment")}
    return people.unionByName(devices).select(
        *(known.get(spec.name, F.lit(None).cast(spec.type)).alias(spec.name) for spec in CustomerLanding.columns())
    )


def ambiguous_serials(customer_landing: DataFrame) -> DataFrame:
    """The serial numbers that more than one person carries in any landed record, consenting or not.

    Returns:
        A frame of one column, `ambiguousSerial`, as a matching key.
    """
    carried = customer_landing.select(
        matching_key("serialNumber").alias("ambiguousSerial"), matching_key("email").alias("carrier")
    )
    carriers = carried.groupBy("ambiguousSerial").agg(F.min("carrier").alias("one"), F.max("carrier").alias("other"))
    return carriers.where(F.col("one") != F.col("other")).select("ambiguousSerial")


def _latest_first() -> list[Column]:
    """The order of a person's records. What cannot be dated must not override a refusal, and a refusal must count."""
    when = F.coalesce(F.col("lastUpdateDate"), F.col("registrationDate"))
    refuses = F.col("shareWithResearchAsOfDate").isNull()
    undated_refusal = F.when(when.isNull() & refuses, F.lit(0)).otherwise(F.lit(1))
    shares = ("shareWithPublicAsOfDate", "shareWithFriendsAsOfDate")
    # After consent and privacy nothing is left to decide; the rest makes the choice the same on every engine.
    rest = (*shares, "serialNumber", "registrationDate", "birthDay", "customerName", "phone")
    return [
        undated_refusal.asc(),
        when.desc_nulls_last(),
        F.when(refuses, F.lit(0)).otherwise(F.lit(1)).asc(),
        F.col("shareWithResearchAsOfDate").desc_nulls_last(),
        *(F.when(F.col(name).isNull(), F.lit(0)).otherwise(F.lit(1)).asc() for name in shares),
        *(F.col(name).desc_nulls_last() for name in rest),
    ]


def _age_at_registration() -> Column:
    """Completed years from birthDay to registrationDate; null where either is unknown."""
    # Compared as texts, because birthdays in the feed go back to years in which calendars, and engines, differ.
    registered = F.date_format(F.timestamp_millis(F.col("registrationDate")), "yyyy-MM-dd")
    born = F.when(F.col("birthDayValid"), F.col("birthDay"))
    years = F.substring(registered, 1, 4).cast("int") - F.substring(born, 1, 4).cast("int")
    before_birthday = F.substring(registered, 6, 5) < F.substring(born, 6, 5)
    return years - F.when(before_birthday, F.lit(1)).otherwise(F.lit(0))
