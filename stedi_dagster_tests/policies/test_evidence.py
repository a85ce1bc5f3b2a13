"""Shared serial numbers under `serials=evidence`: a reading is that one's who alone of all carriers moved then."""

from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.contracts import AccelerometerTrusted, CustomersCurated, StepTrainerTrusted
from stedi_dagster.policies.people import curated_customers, trusted_customers
from stedi_dagster.policies.readings import (
    AMBIGUOUS_SERIAL,
    BEFORE_CONSENT,
    CARRIER_IN_DOUBT,
    CARRIER_WITHOUT_APP,
    NO_COUNTERPART,
    NOBODY_MOVED,
    NOT_CURATED,
    NOT_TRUSTED,
    SEVERAL_MOVED,
    paired_readings,
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
    participants,
    readings,
    reasons,
    steps,
    unreadable,
)
from stedi_dagster_tests.scenario import T0, customer, reading, step

ANN, BOB, EVE = "ann@x", "bob@x", "eve@x"
EVIDENCE = Policy(serials="evidence")
# Everybody has the app: a reading of theirs from another time.
APPS = [reading(ANN, T0 - 5), reading(BOB, T0 - 6), reading(EVE, T0 - 7)]
SHARED = [customer(ANN, serial="s"), customer(BOB, serial="s", agreed=None)]
AT_ANNS = [reading(ANN, T0), *APPS]


def stepped(
    session: SparkSession,
    people: Sequence[Record],
    worn: Sequence[Record],
    taken: Sequence[Record],
    policy: Policy = EVIDENCE,
    texts: Sequence[Record] = (),
) -> Selection:
    """What is kept of step readings, where everything else is selected by the rules, too."""
    landed, unread, moved = customers(session, *people), unreadable(session, *texts), readings(session, *worn)
    trusted = trusted_customers(landed, unread, policy).kept
    curated = curated_customers(trusted, trusted_accelerometer(moved, trusted, policy).kept).kept
    every = trusted if policy.step_people == "trusted" else None
    return trusted_steps(steps(session, *taken), curated, landed, unread, policy, every, moved)


def whose(selection: Selection) -> list[Any]:
    return kept(selection, "serialNumber", "sensorReadingTime", "attributedTo")


def text(people: str | None, devices: str | None = None, moment: int | None = None) -> Record:
    """What of customers cannot be read."""
    return {"people": people, "devices": devices, "moment": moment}


def test_a_reading_is_of_the_one_carrier_who_moved_and_of_no_one_else(engine: SparkSession) -> None:
    worn = [reading(ANN, T0), reading(ANN, T0 + 1), reading(BOB, T0 + 1), reading(BOB, T0 + 2), reading(EVE, T0), *APPS]
    selection = stepped(engine, [*SHARED, customer(EVE)], worn, [step("s", T0 + at) for at in range(4)])
    assert whose(selection) == [("s", T0, ANN)]
    assert reasons(selection) == {None: 1, SEVERAL_MOVED: 1, NOT_CURATED: 1, NOBODY_MOVED: 1}


def test_by_default_it_is_withheld_and_no_row_names_anybody(sail: SparkSession) -> None:
    taken = [step("s", T0), step(f"serial-of-{EVE}", T0)]
    selection = stepped(sail, [*SHARED, customer(EVE)], AT_ANNS, taken, Policy())
    assert whose(selection) == [(f"serial-of-{EVE}", T0, None)]
    assert reasons(selection) == {None: 1, AMBIGUOUS_SERIAL: 1}


def test_a_serial_number_of_ones_own_needs_no_evidence(sail: SparkSession) -> None:
    selection = stepped(sail, [*SHARED, customer(EVE)], AT_ANNS, [step(f"serial-of-{EVE}", T0), step("nobodys", T0)])
    assert whose(selection) == [(f"serial-of-{EVE}", T0, None)]
    assert reasons(selection) == {None: 1, NOT_CURATED: 1}


# What happens to the reading of the serial number `s` at the moment at which Ann moved.
CASES: dict[str, tuple[Sequence[Record], Sequence[Record], Sequence[Record], str | None]] = {
    "she alone moved": (SHARED, AT_ANNS, [], None),
    "a carrier without the app": ([*SHARED, customer("app@x", serial="s")], AT_ANNS, [], CARRIER_WITHOUT_APP),
    "one who carried it once, without": (
        [*SHARED, customer("app@x", serial="s"), customer("app@x", serial="t", lastUpdateDate=T0 + 9)],
        AT_ANNS,
        [],
        CARRIER_WITHOUT_APP,
    ),
    "who refuses moved alone": (SHARED, [reading(BOB, T0), *APPS], [], NOT_CURATED),
    "who has withdrawn moved alone": (
        [*SHARED, customer(ANN, serial="s", agreed=None, lastUpdateDate=T0 + 9)],
        AT_ANNS,
        [],
        NOT_CURATED,
    ),
    "who once carried it moved, too": (
        [*SHARED, customer(EVE, serial=" S"), customer(EVE, serial="own", lastUpdateDate=T0 + 9)],
        [reading(EVE, T0), *AT_ANNS],
        [],
        SEVERAL_MOVED,
    ),
    "she has another one now": (
        [*SHARED, customer(ANN, serial="new", lastUpdateDate=T0 + 9)],
        AT_ANNS,
        [],
        NOT_CURATED,
    ),
    "in other spellings": (
        [customer("ANN@x ", serial=" S"), SHARED[1]],
        [reading(" Ann@X", T0), reading("ann@x\t", T0), *APPS],
        [],
        None,
    ),
    "nobody moved": (SHARED, APPS, [], NOBODY_MOVED),
    "a millisecond later": (SHARED, [reading(ANN, T0 + 1), *APPS], [], NOBODY_MOVED),
    "a text names it and nobody": (SHARED, AT_ANNS, [text(None, "x\nS")], CARRIER_IN_DOUBT),
    "one names it and somebody unknown": (SHARED, AT_ANNS, [text("who@x", "s", T0 - 9)], CARRIER_IN_DOUBT),
    "one names her, as late as her record": (SHARED, AT_ANNS, [text(ANN, None, T0)], CARRIER_IN_DOUBT),
    "one names her at an earlier time": (SHARED, AT_ANNS, [text(ANN, "s", T0 - 1)], None),
    "one names another carrier": (SHARED, AT_ANNS, [text(BOB)], CARRIER_IN_DOUBT),
    "one names a stranger who is known": ([*SHARED, customer(EVE)], AT_ANNS, [text(EVE)], None),
    "an old one makes that stranger a carrier": (
        [*SHARED, customer(EVE)],
        [reading(EVE, T0), *AT_ANNS],
        [text(f"a@x\n{EVE}\nz@x", "t", T0 - 1), text(f"{ANN}\n{BOB}\n{EVE}", "t\nS", T0 - 1)],
        SEVERAL_MOVED,
    ),
    "an old one alone makes it shared": (
        [SHARED[0], customer(EVE)],
        AT_ANNS,
        [text(f"{ANN}\n{EVE}", "s", T0 - 1)],
        None,
    ),
    "several unknown people carry it": ([customer(EVE)], AT_ANNS, [text("one@x\ntwo@x", "s", T0)], CARRIER_IN_DOUBT),
    "a refusal of a carrier has no date": (
        [*SHARED, customer(BOB, serial="s", agreed=None, lastUpdateDate=None, registrationDate=None)],
        AT_ANNS,
        [text(BOB, None, T0 - 1)],
        CARRIER_IN_DOUBT,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_reading_of_a_shared_serial_number(sail: SparkSession, case: str) -> None:
    people, worn, texts, reason = CASES[case]
    selection = stepped(sail, people, worn, [step("s", T0), step(" S", T0)], texts=texts)
    assert whose(selection) == ([] if reason else [("s", T0, ANN)])
    assert reasons(selection) == {reason: 2}


@pytest.mark.parametrize("consent", ["granted", "as_of", "as_of_accelerometer"])
def test_no_reading_and_no_evidence_is_from_before_the_agreement(sail: SparkSession, consent: Consent) -> None:
    people = [customer(ANN, serial="s", agreed=T0), customer(BOB, serial="s", agreed=T0 - 9)]
    around = [T0 - 1, T0, T0 + 1]
    worn = [*(reading(ANN, at) for at in around), *APPS]
    selection = stepped(
        sail, people, worn, [step("s", at) for at in around], Policy(serials="evidence", consent=consent)
    )
    early = 0 if consent == "granted" else 1
    withheld: dict[str | None, int] = {BEFORE_CONSENT: 1} if early else {}
    assert whose(selection) == [("s", at, ANN) for at in around[early:]]
    assert reasons(selection) == {None: 3 - early, **withheld}


def test_the_readings_of_all_trusted_people_are_kept_where_the_rules_say_so(sail: SparkSession) -> None:
    # Under `as_of`, Ann has no reading that may be used, and is not curated.
    policy = Policy(serials="evidence", consent="as_of_accelerometer", step_people="trusted")
    people = [customer(ANN, serial="s", agreed=T0 + 9), customer(BOB, serial="s", agreed=T0)]
    worn = [reading(ANN, T0), reading(ANN, T0 + 9), reading(BOB, T0 + 8), *APPS]
    selection = stepped(sail, people, worn, [step("s", T0), step("s", T0 + 9), step("s", T0 + 8)], policy)
    assert whose(selection) == [("s", T0 + 8, BOB), ("s", T0 + 9, ANN)]
    refusing = [customer(ANN, serial="s"), customer(BOB, serial="s", agreed=None)]
    assert reasons(stepped(sail, refusing, [reading(BOB, T0), *APPS], [step("s", T0)], policy)) == {NOT_TRUSTED: 1}


def test_a_row_is_paired_with_whom_it_is_attributed_to(engine: SparkSession) -> None:
    rows = [
        {**step("s", T0), "attributedTo": ANN},
        {**step("s", T0 + 1), "attributedTo": BOB},
        {**step("s", T0 + 2), "attributedTo": ANN},
        step("e", T0),
    ]
    worn = [*(reading(who, at, x=1.0) for who in (ANN, BOB) for at in (T0, T0 + 1)), reading(EVE, T0, x=1.0)]
    curated = [customer(ANN, serial="s"), customer(BOB, serial="s"), customer(EVE, serial="e")]
    paired = paired_readings(
        frame(engine, StepTrainerTrusted, rows),
        frame(engine, AccelerometerTrusted, worn),
        frame(engine, CustomersCurated, curated),
        participants(engine, ANN, BOB, EVE),
        EVIDENCE,
    )
    assert kept(paired, "participantId", "sensorReadingTime") == [
        ("p-ann@x", T0),
        ("p-bob@x", T0 + 1),
        ("p-eve@x", T0),
    ]
    assert reasons(paired) == {None: 3, NO_COUNTERPART: 1}


def test_rows_of_who_is_not_curated_are_counted(sail: SparkSession) -> None:
    rows = [{**step("s", T0), "attributedTo": ANN}, {**step("s", T0 + 1), "attributedTo": BOB}, step("e", T0)]
    paired = paired_readings(
        frame(sail, StepTrainerTrusted, rows),
        frame(sail, AccelerometerTrusted, [reading(BOB, T0 + 1)]),
        frame(sail, CustomersCurated, [customer(BOB, serial="s")]),
        participants(sail, BOB),
        Policy(serials="evidence", step_people="trusted"),
    )
    assert reasons(paired) == {None: 1, NOT_CURATED: 2}
