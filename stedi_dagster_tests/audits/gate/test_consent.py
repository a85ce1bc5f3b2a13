"""The `consent` audit: planted rows of people who did not agree are counted, each kind under its name."""

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.audits.gate.consent import audit_consent
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import (
    AccelerometerTrusted,
    CustomerTrusted,
    MachineLearningCurated,
    StepTrainerTrusted,
)
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.policies.frames import Record, customers, pairs, participants, readings, stepped
from stedi_dagster_tests.scenario import T0, customer, reading, step

# Ann and Éva agreed; Bob never did, Cid withdrew, Dora contradicts herself, and of Fay nobody knows when she refused.
LANDED = [
    customer("ann@x", serial="of-ann"),
    customer(" Éva@X", serial=" OF-ÉVA", agreed=T0 + 100),
    customer("bob@x", serial="of-bob", agreed=None),
    customer("cid@x", serial="of-cid"),
    customer("CID@x", serial="of-cid", agreed=None, lastUpdateDate=T0 + 1),
    customer("dora@x", serial="of-dora"),
    customer("dora@x", serial="of-dora", agreed=None),
    customer("fay@x", serial="of-fay", lastUpdateDate=T0 + 9),
    customer("fay@x", serial="of-fay", agreed=None, lastUpdateDate=None, registrationDate=None),
    customer("gil@x", serial="shared"),
    customer("hal@x", serial="Shared "),
    customer("ida@x", serial="with-bob"),
    customer("bob@x", serial="with-bob", agreed=None),
]
GRANTED, AS_OF = Policy(), Policy(consent="as_of")
REFUSING = ("bob@x", "cid@x", "dora@x", "fay@x", "stranger@x")


def counted(outcome: Outcome) -> tuple[int, int]:
    """Rows without consent, and rows from before it."""
    without, early = outcome.counts["rows without consent"], outcome.counts["rows from before consent"]
    assert outcome.passed == (without == early == 0)
    assert outcome.blocks == (not outcome.passed)
    return without, early


def test_rows_of_people_who_agree_pass(engine: SparkSession) -> None:
    landed = customers(engine, *LANDED)
    worn = readings(engine, reading("ann@x", T0), reading("éva@x", T0 + 100), reading("ANN@x ", T0 + 5))
    assert counted(audit_consent(worn, AccelerometerTrusted, landed, policy=AS_OF)) == (0, 0)
    walked = stepped(engine, step("of-ann", T0), step("of-éva", T0 + 100))
    assert counted(audit_consent(walked, StepTrainerTrusted, landed, policy=AS_OF)) == (0, 0)


@pytest.mark.parametrize("person", REFUSING)
def test_rows_of_a_person_who_does_not_agree_are_counted(sail: SparkSession, person: str) -> None:
    worn = readings(sail, reading("ann@x"), reading(person), reading(person.upper(), T0), reading(person, T0))
    assert counted(audit_consent(worn, AccelerometerTrusted, customers(sail, *LANDED), policy=GRANTED)) == (3, 0)


def test_customers_who_do_not_agree_are_counted_whatever_their_own_row_says(engine: SparkSession) -> None:
    published = customers(engine, *(customer(person) for person in ("ann@x", *REFUSING)))
    outcome = audit_consent(published, CustomerTrusted, customers(engine, *LANDED), policy=AS_OF)
    assert counted(outcome) == (len(REFUSING), 0)


@pytest.mark.parametrize(
    "serial", ["of-bob", "of-cid", "of-dora", "of-fay", "shared", "SHARED", "with-bob", "of-nobody"]
)
def test_steps_of_a_device_that_is_not_clearly_of_one_person_who_agrees_are_counted(
    sail: SparkSession, serial: str
) -> None:
    walked = stepped(sail, step("of-ann"), step(serial), step(serial, T0))
    assert counted(audit_consent(walked, StepTrainerTrusted, customers(sail, *LANDED), policy=GRANTED)) == (2, 0)


def test_rows_from_before_the_agreement_are_counted_where_that_is_the_policy(engine: SparkSession) -> None:
    landed = customers(engine, *LANDED)
    taken = (T0 + 98, T0 + 99, T0 + 100)
    worn = readings(engine, *(reading("éva@x", at) for at in taken), reading("bob@x", T0 - 1))
    assert counted(audit_consent(worn, AccelerometerTrusted, landed, policy=AS_OF)) == (1, 2)
    assert counted(audit_consent(worn, AccelerometerTrusted, landed, policy=GRANTED)) == (1, 0)
    walked = stepped(engine, *(step("of-éva", at) for at in taken), step("shared", T0 - 1))
    assert counted(audit_consent(walked, StepTrainerTrusted, landed, policy=AS_OF)) == (1, 2)
    assert counted(audit_consent(walked, StepTrainerTrusted, landed, policy=GRANTED)) == (1, 0)


def pair(person: str) -> Record:
    return {
        "participantId": f"p-{person}",
        "sensorReadingTime": T0,
        "distanceFromObject": 1,
        "x": 0.0,
        "y": 0.0,
        "z": 0.0,
    }


def test_rows_of_participants_who_do_not_agree_or_are_unknown_are_counted(engine: SparkSession) -> None:
    known = participants(engine, "ann@x", "éva@x", *REFUSING[:-1])
    rows = pairs(engine, *map(pair, ("ann@x", "ann@x", "éva@x", *REFUSING)))
    assert counted(
        audit_consent(rows, MachineLearningCurated, customers(engine, *LANDED), policy=GRANTED, participants=known)
    ) == (len(REFUSING), 0)


def test_where_nobody_landed_nobody_agrees(sail: SparkSession) -> None:
    nobody = customers(sail)
    assert counted(audit_consent(readings(sail, reading()), AccelerometerTrusted, nobody, policy=AS_OF)) == (1, 0)
    assert counted(audit_consent(stepped(sail, step()), StepTrainerTrusted, nobody, policy=GRANTED)) == (1, 0)
    assert counted(audit_consent(readings(sail), AccelerometerTrusted, nobody, policy=AS_OF)) == (0, 0)


def test_rows_that_name_nobody_are_rows_without_consent(sail: SparkSession) -> None:
    landed = customers(sail, *LANDED)
    assert counted(
        audit_consent(readings(sail, reading() | {"user": None}), AccelerometerTrusted, landed, policy=GRANTED)
    ) == (1, 0)
    assert counted(
        audit_consent(stepped(sail, step() | {"serialNumber": None}), StepTrainerTrusted, landed, policy=GRANTED)
    ) == (1, 0)
    assert counted(
        audit_consent(
            pairs(sail, {}), MachineLearningCurated, landed, policy=GRANTED, participants=participants(sail, "ann@x")
        )
    ) == (1, 0)


def test_the_outcome_names_nobody(sail: SparkSession) -> None:
    outcome = audit_consent(
        readings(sail, reading("bob@x")), AccelerometerTrusted, customers(sail, *LANDED), policy=GRANTED
    )
    assert "bob" not in repr(outcome)
