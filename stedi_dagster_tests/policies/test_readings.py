"""Which readings are kept, under each consent policy, each once."""

from collections.abc import Sequence

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.contracts import AccelerometerTrusted
from stedi_dagster.policies.people import NO_READINGS, curated_customers
from stedi_dagster.policies.readings import (
    AMBIGUOUS_SERIAL,
    BEFORE_CONSENT,
    NOT_CURATED,
    NOT_TRUSTED,
    trusted_accelerometer,
    trusted_steps,
)
from stedi_dagster.policies.selection import Selection
from stedi_dagster.settings.policy import Consent, Policy
from stedi_dagster_tests.policies.frames import (
    Record,
    customers,
    frame,
    kept,
    readings,
    reasons,
    steps,
    trusting,
    unreadable,
)
from stedi_dagster_tests.scenario import T0, customer, reading, step

POLICY = Policy()
AROUND_CONSENT = (T0 - 1, T0, T0 + 1)


def accelerometer(
    session: SparkSession, people: Sequence[Record], taken: Sequence[Record], policy: Policy
) -> Selection:
    """What is kept of accelerometer readings."""
    trusted = trusting(customers(session, *people), policy).kept
    return trusted_accelerometer(readings(session, *taken), trusted, policy)


def step_trainer(
    session: SparkSession,
    people: Sequence[Record],
    taken: Sequence[Record],
    policy: Policy = POLICY,
    *,
    curated: str = "%",
) -> Selection:
    """What is kept of step readings, where everybody whose address is like `curated` has accelerometer readings."""
    landed = customers(session, *people)
    owners = trusting(landed, policy).kept.where(f"email LIKE '{curated}'")
    return trusted_steps(steps(session, *taken), owners, landed, unreadable(session), policy)


def test_readings_are_kept_of_trusted_people_only_however_their_address_is_written(engine: SparkSession) -> None:
    people = [customer("ann@x"), customer("bob@x", agreed=None), customer(" Éva@X ")]
    taken = [reading(user) for user in ("ann@x", " ANN@x\t", "bob@x", "éva@x\xa0", "cid@x", "Bob@x")]
    taken = [{**one, "x": float(number)} for number, one in enumerate(taken)]
    selection = accelerometer(engine, people, taken, POLICY)
    assert kept(selection, "user", "x") == [("ann@x", 0.0), ("ann@x", 1.0), ("éva@x", 3.0)]
    assert reasons(selection) == {None: 3, NOT_TRUSTED: 3}


@pytest.mark.parametrize("consent", ["granted", "as_of", "as_of_accelerometer"])
def test_a_reading_at_the_moment_of_the_agreement_is_kept_under_every_policy(
    sail: SparkSession, consent: Consent
) -> None:
    policy = Policy(consent=consent)
    early: dict[str | None, int] = {} if consent == "granted" else {BEFORE_CONSENT: 1}
    worn = accelerometer(sail, [customer("ann@x")], [reading("ann@x", at) for at in AROUND_CONSENT], policy)
    assert kept(worn, "timestamp") == list(AROUND_CONSENT[len(early) :])
    assert reasons(worn) == {None: 3 - len(early), **early}

    early = {BEFORE_CONSENT: 1} if consent == "as_of" else {}
    stepped = step_trainer(sail, [customer("ann@x", serial="s")], [step("s", at) for at in AROUND_CONSENT], policy)
    assert kept(stepped, "sensorReadingTime") == list(AROUND_CONSENT[len(early) :])
    assert reasons(stepped) == {None: 3 - len(early), **early}


def test_after_a_new_agreement_readings_from_before_it_are_early(sail: SparkSession) -> None:
    history = [
        customer("ann@x", agreed=T0),
        customer("ann@x", agreed=None, lastUpdateDate=T0 + 10),
        customer("ann@x", agreed=T0 + 20, lastUpdateDate=T0 + 20),
    ]
    taken = [reading("ann@x", T0 + at) for at in (5, 15, 25)]
    assert kept(accelerometer(sail, history, taken, Policy(consent="as_of")), "timestamp") == [T0 + 25]


def test_an_equal_reading_is_kept_once_and_a_different_one_beside_it(engine: SparkSession) -> None:
    taken = [reading("ann@x"), reading("ANN@x "), reading("ann@x"), reading("ann@x", x=0.5)]
    worn = accelerometer(engine, [customer("ann@x")], taken, POLICY)
    assert worn.once
    assert kept(worn, "user", "x") == [("ann@x", 0.0), ("ann@x", 0.5)]
    stepped = step_trainer(
        engine, [customer(serial="S")], [step("s"), step(" S "), step("s", distanceFromObject=219)], POLICY
    )
    assert stepped.once
    assert kept(stepped, "distanceFromObject") == [218, 219]


def test_a_customer_is_curated_with_readings_and_withheld_without(sail: SparkSession) -> None:
    trusted = trusting(customers(sail, customer("ann@x"), customer("bob@x"), customer("cid@x")), POLICY).kept
    worn = frame(sail, AccelerometerTrusted, [reading("ann@x"), reading("ann@x", T0), reading("cid@x")])
    selection = curated_customers(trusted, worn)
    assert kept(selection, "email") == ["ann@x", "cid@x"]
    assert reasons(selection) == {None: 2, NO_READINGS: 1}


def test_as_of_takes_the_customer_with_the_readings(sail: SparkSession) -> None:
    policy = Policy(consent="as_of")
    people = [customer("early@x", agreed=T0 + 5000), customer("ann@x")]
    worn = accelerometer(sail, people, [reading("early@x"), reading("ann@x")], policy)
    curated = curated_customers(trusting(customers(sail, *people), policy).kept, worn.kept)
    assert kept(curated, "email") == ["ann@x"]


def test_step_readings_are_kept_of_curated_people_only(sail: SparkSession) -> None:
    people = [
        customer("ann@x", serial="of-ann"),
        customer("bob@x", serial="of-bob", agreed=None),
        customer("cid@x", serial="of-cid"),
    ]
    taken = [step(serial) for serial in ("of-ann", "OF-ANN ", "of-bob", "of-cid", "of-nobody")]
    selection = step_trainer(sail, people, taken, curated="ann%")
    assert kept(selection, "serialNumber") == ["of-ann"]
    assert reasons(selection) == {None: 2, NOT_CURATED: 3}


# Who else carries Ann's serial number.
CARRIERS: dict[str, tuple[Sequence[Record], bool]] = {
    "nobody": ([], False),
    "Ann herself, in another record": ([customer("ANN@x ", serial="shared", lastUpdateDate=T0 - 1)], False),
    "a customer who agreed": ([customer("bob@x", serial="shared")], True),
    "a customer who did not agree": ([customer("bob@x", serial="shared", agreed=None)], True),
    "a customer who once did": (
        [customer("bob@x", serial="shared"), customer("bob@x", serial="b", lastUpdateDate=T0 + 1)],
        True,
    ),
    "somebody, in other letters": ([customer("bob@x", serial=" SHARED\t", agreed=None)], True),
    "somebody undated": (
        [customer("bob@x", serial="shared", agreed=None, lastUpdateDate=None, registrationDate=None)],
        True,
    ),
}


@pytest.mark.parametrize("also", CARRIERS)
def test_steps_of_a_serial_number_are_withheld_if_another_person_ever_carried_it(sail: SparkSession, also: str) -> None:
    others, ambiguous = CARRIERS[also]
    selection = step_trainer(sail, [customer("ann@x", serial="Shared"), *others], [step("shared"), step("SHARED ")])
    assert kept(selection, "serialNumber") == ([] if ambiguous else ["shared"])
    assert reasons(selection) == {AMBIGUOUS_SERIAL if ambiguous else None: 2}


def test_ambiguous_serial_numbers_are_withheld_on_both_engines(engine: SparkSession) -> None:
    people: list[Record] = []
    for place, (others, _) in enumerate(CARRIERS.values()):
        for one in [customer("ann@x", serial="Shared"), *others]:
            of_case = {
                "email": f"{one['email'].strip()}{place}",
                "serialNumber": f"{one['serialNumber'].strip()}{place} ",
            }
            people.append({**one, **of_case})
    taken = [step(f"shared{place}") for place in range(len(CARRIERS))]
    clear = [f"shared{place}" for place, (_, ambiguous) in enumerate(CARRIERS.values()) if not ambiguous]
    assert kept(step_trainer(engine, people, taken), "serialNumber") == clear


def test_a_person_moves_to_a_new_step_trainer_and_the_old_ones_readings_are_of_nobody(sail: SparkSession) -> None:
    people = [customer("ann@x", serial="old"), customer("ann@x", serial="new", lastUpdateDate=T0 + 1)]
    selection = step_trainer(sail, people, [step("old"), step("new")])
    assert kept(selection, "serialNumber") == ["new"]
    assert reasons(selection) == {None: 1, NOT_CURATED: 1}
