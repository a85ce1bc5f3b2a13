"""The `consent` audit: no row of a person without research consent.

Written from the rule and from the landed records, not from the code that selects: one bug must not blind both.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.checks.outcome import Outcome
from stedi_dagster.policies.keys import matching_key

CHECK = "consent"

_NEVER, _ALWAYS = -1, 2**63 - 1


def consents(customer_landing: DataFrame) -> DataFrame:
    """Who agrees, by each person's latest landed record.

    Returns:
        One row a person: `person` (address, trimmed, lower-cased), `agrees`, `since` (epoch ms, null where not).
    """
    refuses = F.col("shareWithResearchAsOfDate").isNull()
    dated = F.coalesce("lastUpdateDate", "registrationDate", F.when(refuses, F.lit(_ALWAYS)).otherwise(F.lit(_NEVER)))
    # The greatest wins: the latest record, and among equally late ones a refusal.
    decision = F.struct(
        dated.alias("at"),
        F.when(refuses, F.lit(1)).otherwise(F.lit(0)).alias("refusal"),
        F.col("shareWithResearchAsOfDate").alias("since"),
    )
    latest = customer_landing.groupBy(matching_key("email").alias("person")).agg(F.max(decision).alias("latest"))
    return latest.select(
        "person", (F.col("latest.refusal") == 0).alias("agrees"), F.col("latest.since").alias("since")
    )


def audit_people(frame: DataFrame, person: str, customer_landing: DataFrame, *, moment: str | None) -> Outcome:
    """Audit content whose rows name a person.

    Args:
        frame: the content.
        person: its column with a person's address.
        customer_landing: the landed customer records.
        moment: the column that must not lie before the agreement, if that is the policy.
    """
    agreed = consents(customer_landing).where("agrees").select("person", "since")
    rows = frame.select(matching_key(person).alias("subject"), *([moment] if moment else []))
    joined = rows.join(agreed, on=F.col("subject") == F.col("person"), how="left")
    early = F.col(moment) < F.col("since") if moment else F.lit(False)
    return _outcome(joined, F.col("person").isNull(), early)


def audit_serials(
    frame: DataFrame, customer_landing: DataFrame, *, moment: str | None
) -> Outcome:
    """Audit content whose rows name a device: all who ever carried its serial number must be one person who agrees.

    Args:
        frame: the content, with `serialNumber`.
        customer_landing: the landed customer records.
        moment: the column that must not lie before the agreement, if that is the policy.
    """
    carried = customer_landing.select(matching_key("serialNumber").alias("device"), matching_key("email").alias("carrier")).distinct()
    owners = carried.join(consents(customer_landing), on=F.col("carrier") == F.col("person"), how="inner")
    safe = (
        owners.groupBy("device")
        .agg(F.count(F.lit(1)).alias("carriers"), F.every("agrees").alias("agree"), F.max("since").alias("since"))
        .where((F.col("carriers") == 1) & F.col("agree"))
    )
    rows = frame.select(matching_key("serialNumber").alias("subject"), *([moment] if moment else []))
    joined = rows.join(safe, on=F.col("subject") == F.col("device"), how="left")
    early = F.col(moment) < F.col("since") if moment else F.lit(False)
    return _outcome(joined, F.col("device").isNull(), early)


def audit_participants(frame: DataFrame, participants: DataFrame, customer_landing: DataFrame) -> Outcome:
    """Audit content whose rows name a participant.

    Args:
        frame: the content, with `participantId`.
        participants: who the participants are.
        customer_landing: the landed customer records.
    """
    agreed = consents(customer_landing).where("agrees").select("person")
    agreeing = participants.join(agreed, on=F.col("email") == F.col("person"), how="left_semi")
    known = agreeing.select(F.col("participantId").alias("known"))
    joined = frame.select("participantId").join(known, on=F.col("participantId") == F.col("known"), how="left")
    return _outcome(joined, F.col("known").isNull(), F.lit(False))


def _outcome(joined: DataFrame, without: Column, early: Column) -> Outcome:
    row = joined.agg(F.count_if(without), F.count_if(early)).collect()[0]
    counts = {"rows without consent": row[0], "rows from before consent": row[1]}
    if any(counts.values()):
        return Outcome(CHECK, passed=False, summary="There are rows that nobody agreed to.", counts=counts)
    return Outcome(CHECK, passed=True, summary="Every row is of a person who agreed.", counts=counts)
