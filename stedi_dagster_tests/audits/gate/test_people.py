"""The audits of who is who: one row a person, whose serial number, whose readings."""

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.audits.gate.people import audit_same_person, audit_serial_conflicts, audit_unique_person
from stedi_dagster.settings.policy import Match
from stedi_dagster_tests.policies.frames import Record, customers, pairs, participants, readings
from stedi_dagster_tests.scenario import T0, customer, reading

ANN, BOB = "ann@x", "bob@x"
WORN = [reading(ANN, T0, x=1.0), reading(ANN, T0, x=2.0), reading(BOB, T0, x=3.0), reading(BOB, T0 + 1, x=4.0)]


def test_a_person_with_one_row_passes_and_every_row_more_is_counted(engine: SparkSession) -> None:
    once = customers(engine, customer(ANN), customer(BOB))
    assert audit_unique_person(once).passed
    again = customers(engine, *map(customer, (ANN, " ANN@x", "Ann@X", BOB, "jé@x", "JÉ@x")))
    outcome = audit_unique_person(again)
    assert (outcome.blocks, dict(outcome.counts)) == (True, {"rows too many": 3})


def test_customers_with_a_shared_serial_number_are_told_and_not_refused(engine: SparkSession) -> None:
    landed = [
        customer(ANN, serial="one"),
        customer(BOB, serial=" ONE"),
        customer("cid@x", serial="two"),
        customer("dora@x", serial="two", agreed=None),
        customer("eli@x", serial="own"),
        customer("ELI@x", serial="own"),
    ]
    trusted = customers(engine, *(one for one in landed if one["email"] in {ANN, BOB, "cid@x", "eli@x"}))
    outcome = audit_serial_conflicts(trusted, customers(engine, *landed))
    assert dict(outcome.counts) == {"customers": 3, "serial numbers": 2}
    assert (outcome.passed, outcome.severity, outcome.blocks) == (False, "WARN", False)
    alone = customers(engine, landed[-1])
    assert audit_serial_conflicts(alone, customers(engine, *landed)).passed


def row(person: str, at: int, x: float) -> Record:
    """A row of machine_learning_curated with the default reading's other values."""
    return {
        "participantId": f"p-{person}",
        "sensorReadingTime": at,
        "distanceFromObject": 218,
        "x": x,
        "y": 1.0,
        "z": -1.0,
    }


def foreign(session: SparkSession, match: Match, *rows: Record) -> int:
    """How many rows the audit says pair two people."""
    outcome = audit_same_person(
        pairs(session, *rows), readings(session, *WORN), participants(session, ANN, BOB), match=match
    )
    assert "@" not in repr(outcome)
    assert outcome.severity == ("ERROR" if match == "person" else "WARN")
    [count] = outcome.counts.values()
    assert outcome.passed == (count == 0)
    return count


@pytest.mark.parametrize("match", ["person", "timestamp"])
def test_rows_with_their_persons_own_readings_pass(engine: SparkSession, match: Match) -> None:
    rows = (row(ANN, T0, 1.0), row(ANN, T0, 2.0), row(BOB, T0, 3.0), row(BOB, T0 + 1, 4.0))
    assert foreign(engine, match, *rows) == 0


@pytest.mark.parametrize(
    ("kind", "planted"),
    [
        ("another's reading of that time", row(ANN, T0, 3.0)),
        ("one's own of another time", row(BOB, T0, 4.0)),
        ("a reading of nobody", row(ANN, T0, 9.0)),
        ("a participant nobody knows", row("cid@x", T0, 1.0)),
        ("nobody", {**row(ANN, T0, 1.0), "participantId": None}),
    ],
)
@pytest.mark.parametrize("match", ["person", "timestamp"])
def test_a_row_with_foreign_values_is_counted(sail: SparkSession, match: Match, kind: str, planted: Record) -> None:
    assert foreign(sail, match, row(ANN, T0, 1.0), planted, row(BOB, T0, 3.0)) == 1


def test_under_timestamp_of_equal_rows_only_one_is_a_persons_own(engine: SparkSession) -> None:
    # Ann and Bob at rest: both show the same values, and Ann's step met the reading of each.
    assert foreign(engine, "timestamp", row(ANN, T0, 1.0), row(ANN, T0, 1.0), row(ANN, T0, 2.0)) == 1
