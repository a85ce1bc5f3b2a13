"""The `evidence` audit: rows of shared serial numbers are of whom they say, and evidence of that kind is seldom wrong.

Written from the rule and from the landed records, not from the code that selects. How often evidence is wrong is
counted where the truth is known: at devices that are one person's alone.
"""

from dataclasses import dataclass
from math import ceil, sqrt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.consent import consents
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.keys import matching_key

CHECK = "evidence"
ROWS, WRONG_ROWS = "rows resting on evidence", "rows that evidence does not bear out"
KNOWN, MISTAKEN = "known readings judged", "known readings given to somebody else"
BOUND = "given to somebody else, in a million, at most"
# With fewer known readings nothing can be said.
FEWEST_KNOWN = 1_000
_NEWLINE = "\n"
# A text without a date may be of any time, a refusal without one too.
_ALWAYS, _NEVER = 10**15, 0
# Of 95 % certainty: what was never seen in n cases is rarer than 3 in n, and the quantile of Wilson's interval.
_RULE_OF_THREE, _QUANTILE = 3, 1.96


@dataclass(frozen=True)
class Landed:
    """What landed, of everybody.

    Attributes:
        customers: a CustomerLanding frame.
        texts: a Quarantine frame of what could not be read of customers.
        readings: an AccelerometerLanding frame.
        steps: a StepTrainerLanding frame.
        records: what the customers' records say, see `records.every_record`.
    """

    customers: DataFrame
    texts: DataFrame
    readings: DataFrame
    steps: DataFrame
    records: DataFrame


def audit_no_evidence(content: DataFrame) -> Outcome:
    """Audit that no row rests on evidence, where the rules do not go by it.

    Args:
        content: a StepTrainerTrusted frame.
    """
    rows = content.where(F.col("attributedTo").isNotNull()).count()
    summary = "No row rests on evidence."
    if rows:
        summary = f"{rows:,} rows rest on evidence, and under STEDI_SERIALS=unique none may: report it as a fault."
    return Outcome(CHECK, passed=rows == 0, summary=summary, counts={ROWS: rows})


def audit_evidence(content: DataFrame, landed: Landed, people: DataFrame, *, least: float) -> Outcome:
    """Audit the rows that rest on evidence, and evidence of that kind.

    Args:
        content: a StepTrainerTrusted frame.
        landed: what landed.
        people: the CustomersCurated or CustomerTrusted frame of those whose step readings are kept.
        least: the smallest share of known readings that evidence must give to their owner.
    """
    attributed = content.where(F.col("attributedTo").isNotNull()).select(
        matching_key("serialNumber").alias("device"),
        F.col("sensorReadingTime").alias("moment"),
        matching_key("attributedTo").alias("who"),
    )
    asked = attributed.groupBy("device", "moment", "who").agg(F.count(F.lit(1)).alias("rows"))
    rows = _sum(asked, "rows")
    if rows == 0:
        return Outcome(CHECK, passed=True, summary="No row rests on evidence.", counts={ROWS: 0})
    wrong = rows - _sum(_borne_out(asked, landed, people), "rows")
    known, mistaken = _judged(landed)
    bound = upper_bound(mistaken, known)
    counts = {ROWS: rows, WRONG_ROWS: wrong, KNOWN: known, MISTAKEN: mistaken, BOUND: ceil(bound * 1e6)}
    share = (known - mistaken) / known if known else 0.0
    said = (
        f"{rows:,} rows rest on evidence. Of {known:,} readings whose owner is known, evidence of that kind gives "
        f"{mistaken:,} to somebody else ({1 - share:.3%}; with 95 % certainty at most {bound:.3%})."
    )
    no_more = "Or set STEDI_SERIALS=unique: then readings of shared serial numbers are withheld, as they were."
    if wrong:
        summary = f"{wrong:,} of {rows:,} rows that rest on evidence are not borne out by what landed: report a fault."
    elif known < FEWEST_KNOWN:
        summary = f"{said} {FEWEST_KNOWN:,} are needed to judge it: wait for more of them. {no_more}"
    elif share < least:
        summary = f"{said} That is {share:.3%} right; STEDI_EVIDENCE wants {least:.3%}. Find out why. {no_more}"
    else:
        return Outcome(CHECK, passed=True, summary=said, counts=counts)
    return Outcome(CHECK, passed=False, summary=summary, counts=counts)


def upper_bound(wrong: int, judged: int) -> float:
    """The share of wrong ones that, with 95 % certainty, is not exceeded; from 0 to 1.

    Where none is wrong, the rule of three; else the upper end of Wilson's interval (Wilson, JASA 22, 1927).

    Args:
        wrong: how many are.
        judged: of how many.
    """
    if judged == 0:
        return 1.0
    if wrong == 0:
        return min(1.0, _RULE_OF_THREE / judged)
    share, square = wrong / judged, _QUANTILE**2
    middle = share + square / (2 * judged)
    spread = _QUANTILE * sqrt(share * (1 - share) / judged + square / (4 * judged**2))
    return min(1.0, (middle + spread) / (1 + square / judged))


def _sum(frame: DataFrame, column: str) -> int:
    found: int | None = frame.agg(F.sum(column)).collect()[0][0]
    return found or 0


def _borne_out(asked: DataFrame, landed: Landed, people: DataFrame) -> DataFrame:
    """Those of the rows asked about that are of whom they say."""
    devices = asked.select(F.col("device").alias("asked")).distinct()
    carried = _carried(devices, landed)
    worn = _worn(landed)
    # Of each carrier: are they somebody, with the app, and beyond doubt? Nobody who is not named is.
    beyond_doubt = _beyond_doubt(landed).join(
        worn.select(F.col("wearer").alias("sure")).distinct(), on="sure", how="left_semi"
    )
    sound = (
        carried.join(beyond_doubt, on=F.col("carrier") == F.col("sure"), how="left")
        .groupBy(F.col("carried").alias("sound"))
        .agg(F.count("carrier").alias("carriers"), F.count("sure").alias("sures"), F.count(F.lit(1)).alias("all"))
        .where((F.col("carriers") > 1) & (F.col("sures") == F.col("all")))
    )
    moving = (
        carried.join(worn, on=F.col("carrier") == F.col("wearer"), how="inner")
        .groupBy("carried", "at")
        .agg(F.count_distinct("carrier").alias("moving"), F.min("carrier").alias("mover"))
        .where(F.col("moving") == 1)
    )
    same = (F.col("carried") == F.col("device")) & (F.col("at") == F.col("moment")) & (F.col("mover") == F.col("who"))
    theirs = people.select(matching_key("email").alias("keeper"), matching_key("serialNumber").alias("kept"))
    return (
        asked.join(sound, on=F.col("device") == F.col("sound"), how="left_semi")
        .join(theirs, on=(F.col("who") == F.col("keeper")) & (F.col("device") == F.col("kept")), how="left_semi")
        .join(moving, on=same, how="left_semi")
    )


def _carried(devices: DataFrame, landed: Landed) -> DataFrame:
    """Who carries some devices, by everything that names both; null where a text names a device and nobody."""
    records = landed.customers.select(
        matching_key("serialNumber").alias("carried"), matching_key("email").alias("carrier")
    )
    by_device = landed.texts.where(F.col("devices").isNotNull()).select(
        F.explode(F.split("devices", _NEWLINE)).alias("one"), "people"
    )
    # Only the devices in question: texts may name many people and many devices.
    texts = by_device.select(matching_key("one").alias("carried"), "people").join(
        devices, on=F.col("carried") == F.col("asked"), how="left_semi"
    )
    named = texts.select("carried", F.explode_outer(F.split("people", _NEWLINE)).alias("name"))
    every = records.unionByName(named.select("carried", matching_key("name").alias("carrier")))
    return every.join(devices, on=F.col("carried") == F.col("asked"), how="left_semi").distinct()


def _beyond_doubt(landed: Landed) -> DataFrame:
    """Everybody of whom a record can be read, and no text is as late as the last of them: `sure`."""
    written = F.coalesce("lastUpdateDate", "registrationDate")
    may_be_last = written.isNull() & F.col("shareWithResearchAsOfDate").isNull()
    known = landed.customers.groupBy(matching_key("email").alias("sure")).agg(
        F.when(F.max(may_be_last), F.lit(_NEVER)).otherwise(F.coalesce(F.max(written), F.lit(_NEVER))).alias("last")
    )
    named = landed.texts.where(F.col("people").isNotNull()).select(
        F.explode(F.split("people", _NEWLINE)).alias("name"), F.coalesce("moment", F.lit(_ALWAYS)).alias("said")
    )
    later = named.groupBy(matching_key("name").alias("named")).agg(F.max("said").alias("said"))
    both = known.join(later, on=F.col("sure") == F.col("named"), how="left")
    return both.where(F.col("said").isNull() | (F.col("said") < F.col("last"))).select("sure")


def _worn(landed: Landed) -> DataFrame:
    """Who moved when: `wearer` and `at`."""
    return landed.readings.select(matching_key("user").alias("wearer"), F.col("timestamp").alias("at"))


def _judged(landed: Landed) -> tuple[int, int]:
    """How many known readings evidence would give to somebody who agrees, and how many of these to somebody else.

    As if everybody with a device of their own and the app carried one serial number: without the app, they would have
    kept it from being judged by evidence.
    """
    worn = _worn(landed)
    carried = landed.records.where(F.col("serialNumber").isNotNull()).select(
        matching_key("serialNumber").alias("own"), matching_key("email").alias("owner")
    )
    own = (
        carried.distinct()
        .groupBy("own")
        .agg(F.count(F.lit(1)).alias("owners"), F.min("owner").alias("owner"))
        .where(F.col("owners") == 1)
        .join(worn.select(F.col("wearer").alias("owner")).distinct(), on="owner", how="left_semi")
    )
    alone = (
        own.select(F.col("owner").alias("known"))
        .distinct()
        .join(worn, on=F.col("known") == F.col("wearer"), how="inner")
        .groupBy("at")
        .agg(F.count_distinct("wearer").alias("moving"), F.min("wearer").alias("mover"))
        .where(F.col("moving") == 1)
        .join(consents(landed.records), on=F.col("mover") == F.col("person"), how="left_semi")
    )
    steps = landed.steps.select(
        matching_key("serialNumber").alias("device"), F.col("sensorReadingTime").alias("moment"), "distanceFromObject"
    ).distinct()
    given = (
        own.join(steps, on=F.col("own") == F.col("device"), how="inner")
        .join(alone, on=F.col("moment") == F.col("at"), how="inner")
        .agg(F.count(F.lit(1)), F.count_if(F.col("mover") != F.col("owner")))
    )
    row = given.collect()[0]
    return row[0], row[1]
