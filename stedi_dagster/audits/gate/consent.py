"""The `consent` audit: no row of a person without research consent.

Written from the rule and from the landed records, not from the code that selects: one bug must not blind both.
"""

from collections import Counter
from collections.abc import Collection
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import Column as Contracted
from stedi_dagster.contracts import Contract
from stedi_dagster.errors import ContractError
from stedi_dagster.keys import matching_key
from stedi_dagster.settings.policy import Policy

CHECK = "consent"
WITHOUT, EARLY = "rows without consent", "rows from before consent"

# For records without any date: a refusal counts as later, an agreement as earlier, than whatever is dated.
_ALWAYS, _NEVER = 10**15, 0


def consents(records: DataFrame) -> DataFrame:
    """Who agrees, by each person's latest record.

    Returns:
        One row for each person who agrees: `person` (a matching key) and `since` (epoch ms).
    """
    refusal = F.when(F.col("shareWithResearchAsOfDate").isNull(), F.lit(1)).otherwise(F.lit(0))
    dated = F.coalesce("lastUpdateDate", "registrationDate", refusal * _ALWAYS + _NEVER)
    # What cannot be read may say that it was written at any time.
    dated = F.least(dated, F.lit(_ALWAYS))
    # One number orders a person's records: by date, and a refusal after an agreement of the same moment.
    placed = records.select(
        matching_key("email").alias("person"),
        (dated * 2 + refusal).alias("place"),
        F.col("shareWithResearchAsOfDate").alias("since"),
    )
    # The agreement that it names goes with it; of several of one moment, the last.
    last = placed.groupBy("person").agg(F.max(F.struct("place", "since")).alias("last"))
    return last.where(F.col("last.place") % 2 == 0).select("person", F.col("last.since").alias("since"))


def audit_consent(
    frame: DataFrame,
    contract: type[Contract],
    records: DataFrame,
    *,
    policy: Policy,
    participants: DataFrame | None = None,
    empty: Collection[str] = (),
) -> Outcome:
    """Audit content by the columns of its contract that say whose a row is.

    Everybody whom a row names must agree. Where it names nobody, its device must be that of one person who does; a row
    that names no device either is nobody's, and nobody agreed to it.

    Args:
        frame: the content.
        contract: the table's, with a column that identifies somebody.
        records: what the customers' records say, see `records.every_record`.
        policy: says whether a row's event time must not lie before the agreement.
        participants: who the participants are, where a column names them.
        empty: columns that name people, and in which another check has found nobody.
    """
    named = [spec for spec in contract.identifying("person", "participant") if spec.name not in empty]
    devices = contract.identifying("device")
    unnamed = reduce(and_, (F.isnull(spec.name) for spec in named), F.lit(True))
    judged = [(spec, F.isnotnull(spec.name) if spec.nullable else None) for spec in named]
    if all(spec.nullable for spec in named):
        # One that must name a device and does not is nobody's.
        alone = unnamed if named else None
        judged += [(spec, unnamed & F.isnotnull(spec.name) if spec.nullable else alone) for spec in devices]
    counts = Counter({WITHOUT: 0, EARLY: 0})
    for spec, condition in judged:
        rows = frame if condition is None else frame.where(condition)
        agreed = _agreed(spec, records, participants)
        counts.update(_count(rows, spec.name, agreed, _moment(spec, contract, policy)))
    if all(spec.nullable for spec in (*named, *devices)):
        nobodys = reduce(and_, (F.isnull(spec.name) for spec in (*named, *devices)))
        counts[WITHOUT] += frame.where(nobodys).count()
    if any(counts.values()):
        return Outcome(CHECK, passed=False, summary="There are rows that nobody agreed to.", counts=counts)
    return Outcome(CHECK, passed=True, summary="Every row is of a person who agreed.", counts=counts)


def _moment(spec: Contracted, contract: type[Contract], policy: Policy) -> str | None:
    """The column with the moment that must not lie before the agreement, if there is one and it is the policy."""
    # A participant's rows may hold readings of both kinds; under `timestamp` one of them is somebody else's.
    applies = {
        "person": policy.accelerometer_as_of,
        "device": policy.steps_as_of,
        "participant": policy.steps_as_of or (policy.accelerometer_as_of and policy.match == "person"),
    }
    return contract.event_time() if spec.identifies and applies[spec.identifies] else None


def _agreed(spec: Contracted, records: DataFrame, participants: DataFrame | None) -> DataFrame:
    """The values of a column to which somebody agreed: `agreed`, as a matching key, and `since` (epoch ms)."""
    agreeing = consents(records)
    if spec.identifies == "person":
        return agreeing.select(F.col("person").alias("agreed"), "since")
    if spec.identifies == "device":
        return _agreed_devices(records, agreeing)
    if participants is None:
        raise ContractError(f"The column {spec.name} names participants, and the audit was not given who they are.")
    joined = participants.join(agreeing, on=F.col("email") == F.col("person"), how="inner")
    return joined.select(F.col("participantId").alias("agreed"), "since")


def _agreed_devices(records: DataFrame, agreeing: DataFrame) -> DataFrame:
    """The devices of which all who ever carried one are one person who agrees."""
    carried = records.select(
        matching_key("serialNumber").alias("device"), matching_key("email").alias("carrier")
    ).distinct()
    owned = carried.join(agreeing, on=F.col("carrier") == F.col("person"), how="left")
    safe = (
        owned.groupBy("device")
        .agg(F.count(F.lit(1)).alias("carriers"), F.max("since").alias("since"))
        .where((F.col("carriers") == 1) & F.col("since").isNotNull())
    )
    return safe.select(F.col("device").alias("agreed"), "since")


def _count(frame: DataFrame, subject: str, agreed: DataFrame, moment: str | None) -> dict[str, int]:
    """How many rows nobody agreed to, and how many are from before the agreement."""
    # Grouped before the join: there are far fewer people than rows.
    key = matching_key(subject).alias("subject")
    first = F.min(moment) if moment else F.lit(None).cast("bigint")
    grouped = frame.groupBy(key).agg(F.count(F.lit(1)).alias("rows"), first.alias("first"))
    joined = grouped.join(agreed, on=F.col("subject") == F.col("agreed"), how="left")
    without = F.when(F.col("agreed").isNull(), F.col("rows"))
    early = F.count_if(F.col("first") < F.col("since"))
    row = joined.agg(F.coalesce(F.sum(without), F.lit(0)), early).collect()[0]
    return {WITHOUT: row[0], EARLY: _count_early(frame, key, agreed, moment) if moment and row[1] else 0}


def _count_early(frame: DataFrame, key: Column, agreed: DataFrame, moment: str) -> int:
    rows = frame.select(key, F.col(moment).alias("moment"))
    joined = rows.join(agreed, on=F.col("subject") == F.col("agreed"), how="inner")
    return joined.where(F.col("moment") < F.col("since")).count()
