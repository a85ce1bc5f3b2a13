"""The `consent` audit: no row of a person without research consent.

Written from the rule and from the landed records, not from the code that selects: one bug must not blind both.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.policies.keys import matching_key

CHECK = "consent"

# For records without any date: a refusal counts as later, an agreement as earlier, than whatever is dated.
_ALWAYS, _NEVER = 10**15, 0


def consents(customer_landing: DataFrame) -> DataFrame:
    """Who agrees, by each person's latest landed record.

    Returns:
        One row for each person who agrees: `person` (a matching key) and `since` (epoch ms).
    """
    refusal = F.when(F.col("shareWithResearchAsOfDate").isNull(), F.lit(1)).otherwise(F.lit(0))
    dated = F.coalesce("lastUpdateDate", "registrationDate", refusal * _ALWAYS + _NEVER)
    # What cannot be read may say that it was written at any time.
    dated = F.least(dated, F.lit(_ALWAYS))
    # One number orders a person's records: by date, and a refusal after an agreement of the same moment.
    records = customer_landing.select(
        matching_key("email").alias("person"),
        (dated * 2 + refusal).alias("place"),
        F.col("shareWithResearchAsOfDate").alias("since"),
    )
    last = records.groupBy("person").agg(F.max("place").alias("last")).where(F.col("last") % 2 == 0)
    latest = records.join(last.withColumnRenamed("person", "who"), on=F.col("person") == F.col("who"), how="inner")
    return latest.where(F.col("place") == F.col("last")).groupBy("person").agg(F.max("since").alias("since"))


def audit_people(frame: DataFrame, person: str, customer_landing: DataFrame, *, moment: str | None) -> Outcome:
    """Audit content whose rows name a person.

    Args:
        frame: the content.
        person: its column with a person's address.
        customer_landing: the landed customer records.
        moment: the column that must not lie before the agreement, if that is the policy.
    """
    agreed = consents(customer_landing).select(F.col("person").alias("agreed"), "since")
    return _audit(frame, person, agreed, moment)


def audit_serials(frame: DataFrame, customer_landing: DataFrame, *, moment: str | None) -> Outcome:
    """Audit content whose rows name a device: all who ever carried its serial number must be one person who agrees.

    Args:
        frame: the content, with `serialNumber`.
        customer_landing: the landed customer records.
        moment: the column that must not lie before the agreement, if that is the policy.
    """
    carried = customer_landing.select(
        matching_key("serialNumber").alias("device"), matching_key("email").alias("carrier")
    ).distinct()
    agreed = consents(customer_landing)
    owned = carried.join(agreed, on=F.col("carrier") == F.col("person"), how="left")
    safe = (
        owned.groupBy("device")
        .agg(F.count(F.lit(1)).alias("carriers"), F.max("since").alias("since"))
        .where((F.col("carriers") == 1) & F.col("since").isNotNull())
    )
    return _audit(frame, "serialNumber", safe.select(F.col("device").alias("agreed"), "since"), moment)


def audit_participants(frame: DataFrame, participants: DataFrame, customer_landing: DataFrame) -> Outcome:
    """Audit content whose rows name a participant.

    Args:
        frame: the content, with `participantId`.
        participants: who the participants are.
        customer_landing: the landed customer records.
    """
    agreeing = participants.join(consents(customer_landing), on=F.col("email") == F.col("person"), how="left_semi")
    return _audit(frame, "participantId", agreeing.select(F.col("participantId").alias("agreed")), None)


def _audit(frame: DataFrame, subject: str, agreed: DataFrame, moment: str | None) -> Outcome:
    # Grouped before the join: there are far fewer people than rows.
    key = matching_key(subject).alias("subject")
    grouped = frame.groupBy(key, *([moment] if moment else [])).agg(F.count(F.lit(1)).alias("rows"))
    joined = grouped.join(agreed, on=F.col("subject") == F.col("agreed"), how="left")
    without = F.when(F.col("agreed").isNull(), F.col("rows"))
    early = F.when(F.col(moment) < F.col("since"), F.col("rows")) if moment else F.lit(0)
    row = joined.agg(F.coalesce(F.sum(without), F.lit(0)), F.coalesce(F.sum(early), F.lit(0))).collect()[0]
    counts = {"rows without consent": row[0], "rows from before consent": row[1]}
    if any(counts.values()):
        return Outcome(CHECK, passed=False, summary="There are rows that nobody agreed to.", counts=counts)
    return Outcome(CHECK, passed=True, summary="Every row is of a person who agreed.", counts=counts)
