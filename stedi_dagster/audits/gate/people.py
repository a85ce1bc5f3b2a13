"""Audits of who is who: `unique_person`, `serial_conflicts`, and `same_person`."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.records import shared_devices
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.engines.once import found_once
from stedi_dagster.keys import matching_key
from stedi_dagster.settings.policy import Match, Serials

UNIQUE_PERSON = "unique_person"
SERIAL_CONFLICTS = "serial_conflicts"
SAME_PERSON = "same_person"


def audit_unique_person(customers: DataFrame) -> Outcome:
    """Audit that no person has two rows, however their address is written."""
    row = customers.agg(F.count(F.lit(1)), F.count_distinct(matching_key("email"))).collect()[0]
    extra = row[0] - row[1]
    summary = "Every person has one row." if extra == 0 else "There are people with several rows."
    return Outcome(UNIQUE_PERSON, passed=extra == 0, summary=summary, counts={"rows too many": extra})


def audit_serial_conflicts(customers: DataFrame, records: DataFrame, *, serials: Serials = "unique") -> Outcome:
    """Count the customers who share a serial number with somebody else; their step readings may be withheld.

    Args:
        customers: a CustomerTrusted frame.
        records: see `records.every_record`.
        serials: under `evidence` some of these step readings are kept.
    """
    devices = shared_devices(records)
    shared = customers.join(devices, on=matching_key("serialNumber") == F.col("sharedDevice"), how="inner").agg(
        F.count(F.lit(1)), F.count_distinct("sharedDevice")
    )
    row = shared.collect()[0]
    counts = {"customers": row[0], "serial numbers": row[1]}
    summary = (
        "No serial number is carried by two people."
        if row[0] == 0
        else "Serial numbers are carried by several people; their step readings are withheld"
        f"{', unless evidence tells whose they are' if serials == 'evidence' else ''}."
    )
    return Outcome(SERIAL_CONFLICTS, passed=row[0] == 0, summary=summary, severity="WARN", counts=counts)


def audit_same_person(
    frame: DataFrame, accelerometer_trusted: DataFrame, participants: DataFrame, *, match: Match, few: bool = False
) -> Outcome:
    """Audit that no row pairs two people: its accelerometer values are ones that its participant has at that time.

    Args:
        frame: a MachineLearningCurated frame.
        accelerometer_trusted: the readings it was made from.
        participants: who the participants are.
        match: under `timestamp`, rows that pair two people are what was asked for: a warning, with their number.
        few: whether there may be far fewer rows than readings: only those of their participants are looked at then.
    """
    if few:
        theirs = frame.select(F.col("participantId").alias("theirs")).distinct()
        known = participants.join(theirs, on=F.col("participantId") == F.col("theirs"), how="left_semi")
        participants = found_once(known)
    own = participants.join(accelerometer_trusted, on=F.col("user") == F.col("email"), how="inner")
    own = own.select(_fingerprint("timestamp").alias("own"))
    rows = frame.select(F.xxhash64(*frame.columns).alias("row"), _fingerprint("sensorReadingTime").alias("reading"))
    # Two people at rest show the same values: of equal rows, only one can be the participant's own.
    same = rows.distinct().join(own, on=F.col("reading") == F.col("own"), how="left_semi").count()
    foreign = rows.count() - same
    return Outcome(
        SAME_PERSON,
        passed=foreign == 0,
        summary="No row pairs two people." if foreign == 0 else "There are rows that pair two people.",
        severity="ERROR" if match == "person" else "WARN",
        counts={"rows that pair two people": foreign},
    )


def _fingerprint(moment: str) -> Column:
    """A reading in one number: engines join on it several times faster than on the reading's five columns.

    A foreign row that has the number of an own one would be missed: one in ten million million of them.
    """
    return F.xxhash64("participantId", moment, "x", "y", "z")
