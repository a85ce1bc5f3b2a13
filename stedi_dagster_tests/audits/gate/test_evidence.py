"""The gate's audit `evidence`: rows that rest on it are right, and evidence of its kind is seldom wrong."""

from collections.abc import Sequence

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.audits.gate import evidence
from stedi_dagster.audits.gate.evidence import (
    BOUND,
    KNOWN,
    MISTAKEN,
    ROWS,
    WRONG_ROWS,
    Landed,
    audit_evidence,
    audit_no_evidence,
    upper_bound,
)
from stedi_dagster.audits.gate.records import every_record
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import CustomersCurated, StepTrainerTrusted
from stedi_dagster_tests.policies.frames import Record, customers, frame, readings, steps, unreadable
from stedi_dagster_tests.scenario import T0, customer, reading, step

ANN, BOB, EVE, FAY = "ann@x", "bob@x", "eve@x", "fay@x"
PEOPLE = [customer(ANN, serial="s"), customer(BOB, serial="s", agreed=None), customer(EVE), customer(FAY)]
OF_EVE, OF_FAY = f"serial-of-{EVE}", f"serial-of-{FAY}"
# Ann moved at T0, both at T0 + 1, Bob at T0 + 2.
WORN = [reading(ANN, T0), reading(ANN, T0 + 1), reading(BOB, T0 + 1), reading(BOB, T0 + 2)]
# Of three of Eve's readings at which one person moved, the last is at a moment of Fay's alone.
KNOWN_WORN = [
    reading(EVE, T0),
    reading(EVE, T0 + 1),
    reading(FAY, T0 + 2),
    *(reading(who, T0 + 3) for who in (EVE, FAY)),
]
KNOWN_STEPS = [step(OF_EVE, T0 + at) for at in range(4)]


def attributed(who: str, at: int = T0, serial: str = "s") -> Record:
    return {**step(serial, at), "attributedTo": who}


def audited(
    session: SparkSession,
    *rows: Record,
    people: Sequence[Record] = PEOPLE,
    worn: Sequence[Record] = (*WORN, *KNOWN_WORN),
    taken: Sequence[Record] = KNOWN_STEPS,
    texts: Sequence[Record] = (),
    least: float = 0.5,
    curated: Sequence[Record] = (PEOPLE[0], *PEOPLE[2:]),
) -> Outcome:
    landed, unread = customers(session, *people), unreadable(session, *texts)
    outcome = audit_evidence(
        frame(session, StepTrainerTrusted, rows),
        Landed(landed, unread, readings(session, *worn), steps(session, *taken), every_record(landed, unread)),
        frame(session, CustomersCurated, curated),
        least=least,
    )
    assert "@" not in repr(outcome)
    return outcome


@pytest.fixture
def few_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FEWEST_KNOWN", 3)


def test_where_the_rules_do_not_go_by_it_no_row_may_rest_on_it(engine: SparkSession) -> None:
    rows = frame(engine, StepTrainerTrusted, [step("s"), step("t")])
    assert audit_no_evidence(rows).passed
    outcome = audit_no_evidence(rows.unionByName(frame(engine, StepTrainerTrusted, [attributed(ANN)])))
    assert outcome.blocks
    assert dict(outcome.counts) == {ROWS: 1}


@pytest.mark.usefixtures("few_will_do")
def test_right_rows_pass_and_are_counted(engine: SparkSession) -> None:
    outcome = audited(engine, attributed(ANN), step(OF_EVE))
    assert outcome.passed, outcome
    assert {name: rows for name, rows in outcome.counts.items() if name != BOUND} == {
        ROWS: 1,
        WRONG_ROWS: 0,
        KNOWN: 3,
        MISTAKEN: 1,
    }


def test_without_such_rows_nothing_is_estimated(sail: SparkSession) -> None:
    outcome = audited(sail, step(OF_EVE), taken=[], worn=[])
    assert (outcome.passed, dict(outcome.counts)) == (True, {ROWS: 0})


@pytest.mark.usefixtures("few_will_do")
@pytest.mark.parametrize(
    "planted",
    [
        attributed(BOB, T0 + 2),  # he is not curated
        attributed(BOB),  # she moved
        attributed(ANN, T0 + 1),  # both did
        attributed(ANN, T0 + 2),  # he did
        attributed(ANN, T0 + 9),  # nobody did
        attributed("no@x"),
        attributed(EVE, T0, OF_EVE),  # it is hers alone
        attributed(EVE, T0),  # she does not carry it
        attributed(ANN, T0, "unknown"),
    ],
    ids=str,
)
def test_a_wrong_row_is_counted_and_blocks(sail: SparkSession, planted: Record) -> None:
    outcome = audited(sail, attributed(ANN), planted)
    assert (outcome.blocks, outcome.counts[ROWS], outcome.counts[WRONG_ROWS]) == (True, 2, 1)
    assert "1 of 2 rows" in outcome.summary


@pytest.mark.usefixtures("few_will_do")
@pytest.mark.parametrize(
    ("people", "texts"),
    [
        ([customer("app@x", serial="S ")], []),
        ([customer("app@x", serial="s"), customer("app@x", serial="t", lastUpdateDate=T0 + 9)], []),
        ([], [{"people": None, "devices": "t\ns"}]),
        ([], [{"people": "who@x", "devices": "s", "moment": T0 - 9}]),
        ([], [{"people": f"a@x\n{BOB}\nz@x", "moment": T0}]),
    ],
    ids=["without the app", "once, without the app", "nobody named", "somebody unknown", "a carrier in doubt"],
)
def test_a_serial_number_whose_carriers_are_not_all_beyond_doubt_makes_its_rows_wrong(
    sail: SparkSession, people: list[Record], texts: list[Record]
) -> None:
    outcome = audited(sail, attributed(ANN), people=[*PEOPLE, *people], texts=texts)
    assert (outcome.blocks, outcome.counts[WRONG_ROWS]) == (True, 1)


@pytest.mark.usefixtures("few_will_do")
@pytest.mark.parametrize(("least", "passes"), [(0.5, True), (0.66, True), (0.67, False), (1.0, False)])
def test_below_the_share_that_is_wanted_nothing_is_published(sail: SparkSession, least: float, *, passes: bool) -> None:
    outcome = audited(sail, attributed(ANN), least=least)
    assert outcome.passed is passes
    if not passes:
        for said in ("1 rows rest", "Of 3 readings", "1 to somebody else", "66.667%", "STEDI_EVIDENCE", "=unique"):
            assert said in outcome.summary


def test_with_fewer_than_a_thousand_known_readings_nothing_is_published(sail: SparkSession) -> None:
    outcome = audited(sail, attributed(ANN))
    assert outcome.blocks
    assert "1,000 are needed" in outcome.summary
    many = [step(OF_EVE, T0, distanceFromObject=distance) for distance in range(1_000)]
    assert audited(sail, attributed(ANN), taken=many).passed
    # Delivered twice, a reading is one.
    assert audited(sail, attributed(ANN), taken=[*many[1:], *many[1:]]).counts[KNOWN] == 999


@pytest.mark.usefixtures("few_will_do")
@pytest.mark.parametrize(
    ("people", "worn", "known", "mistaken"),
    [
        # Fay refuses: what evidence gives her is not published.
        ([customer(FAY, agreed=None)], [], 2, 0),
        # Whoever has no app would have kept the serial number from being judged.
        ([customer("app@x", serial="app")], [], 3, 1),
        # A third person moves, too; of shared serial numbers nobody knows whose readings are.
        ([customer("gil@x", serial="gil")], [reading("gil@x", T0)], 2, 1),
        ([customer("gil@x", serial="s")], [reading("gil@x", T0)], 3, 1),
        # A device of which a text names another carrier is known no more.
        ([customer("gil@x", serial=OF_EVE)], [], 0, 0),
    ],
    ids=["who refuses", "without the app", "a third moves", "a sharer moves", "no longer known"],
)
def test_what_is_judged(
    sail: SparkSession, people: list[Record], worn: list[Record], known: int, mistaken: int
) -> None:
    landed = [one for one in PEOPLE if one["email"] not in {each["email"] for each in people}] + people
    taken = [*KNOWN_STEPS, step("app", T0), step("s", T0)]
    counts = audited(sail, attributed(ANN), people=landed, worn=[*WORN, *KNOWN_WORN, *worn], taken=taken).counts
    assert (counts[KNOWN], counts[MISTAKEN]) == (known, mistaken)


def test_the_bound_is_the_rule_of_three_or_wilsons() -> None:
    assert upper_bound(0, 0) == 1.0
    assert upper_bound(0, 3_000) == 0.001
    assert upper_bound(0, 2) == 1.0
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, and 1 of 29.
    assert round(upper_bound(81, 263), 4) == 0.3662
    assert round(upper_bound(1, 29), 4) == 0.1718
    assert upper_bound(5, 5) == 1.0
