"""The verify queries: nothing where all is well, whatever the rules; and the exact rows of every planted violation."""

import uuid
from typing import Any

import pytest

from stedi_dagster.policies.policy import PRESETS
from stedi_dagster_tests.scenario import T0, Scenario, customer
from stedi_dagster_tests.sql.worlds import (
    ANN,
    BOB,
    CID,
    EARLY,
    FAY,
    FILES,
    GUS,
    HAL,
    IDA,
    IDA_KEY,
    LATE,
    NED,
    Change,
    Row,
    adding,
    ask,
    everybody,
    planted,
    twice,
    with_values,
    without,
)

VERIFY = [file.name for file in FILES if file.parent.name == "verify"]
POLICIES: dict[str, dict[str, Any]] = {
    **{preset: {"preset": preset} for preset in PRESETS},
    "as_of, any accelerometer": {"consent": "as_of", "match": "timestamp"},
    "as_of_accelerometer, own": {"consent": "as_of_accelerometer"},
    "as_of, young": {"consent": "as_of", "max_age": 120},
}
CUSTOMERS, PEOPLE = "customer_trusted", "customers_curated"
READINGS, STEPS, PAIRS = "accelerometer_trusted", "step_trainer_trusted", "machine_learning_curated"
NUMBERS = "participants"
REFUSED = "rows of people who do not agree to research"
TOO_EARLY = "rows from before the person agreed"
FOREIGN_READING = "rows with an accelerometer reading of somebody else"
FOREIGN_STEP = "rows with a step reading of somebody else"
SEVERAL = "rows too many of a person"
COPIES = "rows that are there several times"
AMBIGUOUS = "rows of a serial number that several people carry"
MISSING, TOO_MANY = "rows that are missing", "rows too many"
AS_OF, AS_OF_ACCELEROMETER = {"consent": "as_of"}, {"consent": "as_of_accelerometer"}
BY_TIME = {"match": "timestamp"}
STRANGER = "00000000-0000-4000-8000-000000000000"

Found = list[tuple[str, str, int]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    """Everybody, published under the default rules."""
    scenario = everybody(tmp_path_factory.mktemp("everybody"), engine=sail_url)
    assert scenario.run().success
    return scenario


@pytest.fixture(scope="module")
def numbers(world: Scenario) -> dict[str, str]:
    """Everybody's participantId, by address."""
    return dict(world.rows(NUMBERS))


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    """The same, published under one set of rules after the other."""
    return everybody(tmp_path_factory.mktemp("changing"), engine=sail_url)


@pytest.mark.parametrize("rules", POLICIES)
def test_nothing_is_found_where_all_is_well(changing: Scenario, rules: str) -> None:
    assert changing.run(**POLICIES[rules]).success
    assert changing.rows(PAIRS)
    assert {file: ask(changing, f"verify/{file}", **POLICIES[rules]) for file in VERIFY} == {
        file: [] for file in VERIFY
    }


def test_the_world_has_whom_the_queries_are_about(world: Scenario) -> None:
    trusted = {email for (email,) in world.query(f"SELECT email FROM {CUSTOMERS}")}
    friends = {f"{name}@example.com" for name in ("dan", "eve", "leo", "pia")}
    assert trusted == {ANN, CID, GUS, HAL, IDA_KEY, *friends}
    assert len(world.rows(STEPS)) == len(world.rows(PAIRS)) == 14


def person(email: str, serial: str | None = None, **more: Any) -> Row:
    record = customer(email, serial=serial or f"serial-of-{email}", **more)
    return {name: record.get(name) for name in (*record, "shareWithResearchAsOfDate")}


def worn(user: str, at: int = EARLY, x: float = 1.0) -> Row:
    return {"user": user, "timestamp": at, "x": x, "y": 1.0, "z": -1.0}


def stepped(serial: str, at: int = EARLY, distance: int = 201) -> Row:
    return {"serialNumber": serial, "sensorReadingTime": at, "distanceFromObject": distance}


def paired(number: str, at: int = EARLY, distance: int = 200, x: float = 0.0) -> Row:
    steps = {"sensorReadingTime": at, "distanceFromObject": distance}
    return {"participantId": number, **steps, "x": x, "y": 1.0, "z": -1.0}


def unreadable(people: str | None, devices: str | None = None, moment: int | None = None) -> Row:
    where = {"file": "f", "line": 1, "position": 0, "reason": "not JSON", "raw": "{"}
    return {**where, "people": people, "devices": devices, "moment": moment}


OF_ANN = paired("{ann}")
EXPECTED_OF_ANN = [(PEOPLE, 1), (CUSTOMERS, 1), (READINGS, 2), (PAIRS, 2), (STEPS, 2)]
WITHDRAWN: Found = [(table, REFUSED, rows) for table, rows in sorted(EXPECTED_OF_ANN)]
# Question, what is planted, under which rules, what is found.
VIOLATIONS: dict[str, tuple[str, dict[str, Change], dict[str, Any], Found]] = {
    "a customer who refused": ("consent", {CUSTOMERS: adding(person(BOB))}, {}, [(CUSTOMERS, REFUSED, 1)]),
    "a customer nobody knows": ("consent", {CUSTOMERS: adding(person("x@y.z"))}, {}, [(CUSTOMERS, REFUSED, 1)]),
    "a curated customer who refused": ("consent", {PEOPLE: adding(person(BOB))}, {}, [(PEOPLE, REFUSED, 1)]),
    "readings of who refused": ("consent", {READINGS: adding(worn(BOB), worn(BOB))}, {}, [(READINGS, REFUSED, 2)]),
    "a reading of who withdrew": ("consent", {READINGS: adding(worn(FAY))}, {}, [(READINGS, REFUSED, 1)]),
    "a reading of who said both at once": (
        "consent",
        {READINGS: adding(worn("jan@example.com"))},
        {},
        [(READINGS, REFUSED, 1)],
    ),
    "a reading of who refused without a date": (
        "consent",
        {READINGS: adding(worn("kim@example.com"))},
        {},
        [(READINGS, REFUSED, 1)],
    ),
    "a reading of who may have withdrawn": ("consent", {READINGS: adding(worn(NED))}, {}, [(READINGS, REFUSED, 1)]),
    "a record since that cannot be read": (
        "consent",
        {"customer_quarantine": adding(unreadable(f"x@y.z\n{ANN.upper()} ", moment=T0))},
        {},
        WITHDRAWN,
    ),
    "a record without a date that cannot be read": (
        "consent",
        {"customer_quarantine": adding(unreadable(ANN))},
        {},
        WITHDRAWN,
    ),
    "an old record that cannot be read": (
        "consent",
        {"customer_quarantine": adding(unreadable(ANN, moment=T0 - 1), unreadable(None))},
        {},
        [],
    ),
    "a step of who refused": ("consent", {STEPS: adding(stepped(f"serial-of-{BOB}"))}, {}, [(STEPS, REFUSED, 1)]),
    "a step that may be of another": ("consent", {STEPS: adding(stepped("shared"))}, {}, [(STEPS, REFUSED, 1)]),
    "a pair of nobody": ("consent", {PAIRS: adding(paired(STRANGER))}, {}, [(PAIRS, REFUSED, 1)]),
    "a pair of who refused": (
        "consent",
        {NUMBERS: adding({"email": BOB, "participantId": STRANGER}), PAIRS: adding(paired(STRANGER))},
        {},
        [(PAIRS, REFUSED, 1)],
    ),
    "a withdrawal since": (
        "consent",
        {"customer_landing": adding(person(f" {ANN.upper()}", agreed=None, lastUpdateDate=T0 + 1))},
        {},
        WITHDRAWN,
    ),
    "a withdrawal of the same moment": (
        "consent",
        {"customer_landing": adding(person(ANN, agreed=None))},
        {},
        WITHDRAWN,
    ),
    "a withdrawal dated by its registration": (
        "consent",
        {"customer_landing": adding(person(ANN, agreed=None, lastUpdateDate=None, registrationDate=T0 + 1))},
        {},
        WITHDRAWN,
    ),
    "a withdrawal without a date": (
        "consent",
        {"customer_landing": adding({"email": ANN, "serialNumber": f"serial-of-{ANN}"})},
        {},
        WITHDRAWN,
    ),
    "an old refusal, which is none": (
        "consent",
        {"customer_landing": adding(person(ANN, agreed=None, lastUpdateDate=T0 - 1))},
        {},
        [],
    ),
    "an old refusal by its registration, which is none": (
        "consent",
        {"customer_landing": adding(person(ANN, agreed=None, lastUpdateDate=None, registrationDate=T0 - 1))},
        {},
        [],
    ),
    "an agreement of before a refusal": (
        "consent",
        {"customer_landing": adding(person(BOB, lastUpdateDate=T0 - 1)), CUSTOMERS: adding(person(BOB))},
        {},
        [(CUSTOMERS, REFUSED, 1)],
    ),
    "early readings": ("consent", {}, AS_OF, [(READINGS, TOO_EARLY, 1), (PAIRS, TOO_EARLY, 1), (STEPS, TOO_EARLY, 1)]),
    "early readings where steps may be": (
        "consent",
        {},
        AS_OF_ACCELEROMETER,
        [(READINGS, TOO_EARLY, 1), (PAIRS, TOO_EARLY, 1)],
    ),
    "early readings where steps and pairs may be": (
        "consent",
        {},
        {**AS_OF_ACCELEROMETER, **BY_TIME},
        [(READINGS, TOO_EARLY, 1)],
    ),
    "another's reading": ("same_person", {PAIRS: adding(OF_ANN | {"x": 2.0})}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's y": ("same_person", {PAIRS: adding(OF_ANN | {"y": 2.0})}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's z": ("same_person", {PAIRS: adding(OF_ANN | {"z": 2.0})}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's equal reading": ("same_person", {PAIRS: adding(OF_ANN)}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's reading, asked for": ("same_person", {PAIRS: adding(OF_ANN | {"x": 2.0})}, BY_TIME, []),
    "another's step": (
        "same_person",
        {PAIRS: adding(OF_ANN | {"distanceFromObject": 202})},
        BY_TIME,
        [(PAIRS, FOREIGN_STEP, 1)],
    ),
    "steps and readings of another time": (
        "same_person",
        {PAIRS: adding(OF_ANN | {"sensorReadingTime": EARLY + 1})},
        {},
        [(PAIRS, FOREIGN_STEP, 1), (PAIRS, FOREIGN_READING, 1)],
    ),
    "a pair whose person is unknown": (
        "same_person",
        {PAIRS: adding(paired(STRANGER), paired(STRANGER))},
        {},
        [(PAIRS, FOREIGN_STEP, 2), (PAIRS, FOREIGN_READING, 2)],
    ),
    "a step of a trainer that may be another's": (
        "same_person",
        {PAIRS: adding(paired("{dan}", distance=212, x=3.0))},
        {},
        [(PAIRS, FOREIGN_STEP, 1)],
    ),
    "a person twice": (
        "one_row_a_person",
        {CUSTOMERS: adding(person(f" {ANN.upper()}")), PEOPLE: adding(person(IDA.upper()), person(ANN))},
        {},
        [(CUSTOMERS, SEVERAL, 1), (PEOPLE, SEVERAL, 2)],
    ),
    "a participant twice": (
        "one_row_a_person",
        {NUMBERS: adding({"email": ANN, "participantId": STRANGER})},
        {},
        [(NUMBERS, SEVERAL, 1)],
    ),
    "a number twice": (
        "one_row_a_person",
        {NUMBERS: adding({"email": BOB, "participantId": "{ann}"})},
        {},
        [(NUMBERS, "participants with the number of another", 1)],
    ),
    "a reading twice": ("duplicates", {READINGS: twice(user=ANN)}, {}, [(READINGS, COPIES, 2)]),
    "a reading twice, written otherwise": (
        "duplicates",
        {READINGS: adding(worn(ANN.upper(), x=0.0))},
        {},
        [(READINGS, COPIES, 1)],
    ),
    "a step twice": ("duplicates", {STEPS: twice(distanceFromObject=200)}, {}, [(STEPS, COPIES, 2)]),
    "a step twice, written otherwise": (
        "duplicates",
        {STEPS: adding(stepped(f"SERIAL-OF-{ANN} ", distance=200))},
        {},
        [(STEPS, COPIES, 1)],
    ),
    "a pair twice": ("duplicates", {PAIRS: adding(OF_ANN)}, {}, [(PAIRS, COPIES, 1)]),
    "a pair twice, asked for": ("duplicates", {PAIRS: adding(OF_ANN)}, BY_TIME, []),
    "a step of a shared trainer": (
        "ambiguous_serials",
        {STEPS: adding(stepped("shared"), stepped("shared", LATE))},
        {},
        [(STEPS, AMBIGUOUS, 2)],
    ),
    "a pair of a shared trainer": (
        "ambiguous_serials",
        {PAIRS: adding(paired("{dan}"))},
        {},
        [(PAIRS, AMBIGUOUS, 1)],
    ),
    "a trainer that is shared since": (
        "ambiguous_serials",
        {"customer_landing": adding(person("new@example.com", f"SERIAL-OF-{ANN}", agreed=None))},
        {},
        [(PAIRS, AMBIGUOUS, 2), (STEPS, AMBIGUOUS, 2)],
    ),
    "a trainer that is shared as far as can be read": (
        "ambiguous_serials",
        {"customer_quarantine": adding(unreadable("x@y.z", devices=f"new\nserial-of-{ANN}"))},
        {},
        [(PAIRS, AMBIGUOUS, 2), (STEPS, AMBIGUOUS, 2)],
    ),
    "a customer of another trainer": (
        "references",
        {CUSTOMERS: with_values({"serialNumber": "ida-1"}, email=CID)},
        {},
        [(CUSTOMERS, "rows that no deciding landed record has", 1), (PEOPLE, "rows that customer_trusted has not", 1)],
    ),
    "a curated customer of another's trainer": (
        "references",
        {PEOPLE: with_values({"serialNumber": f"serial-of-{ANN}"}, email=CID)},
        {},
        [
            (PEOPLE, "rows that customer_trusted has not", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 2),
            (STEPS, "rows of nobody in customers_curated", 2),
        ],
    ),
    "a customer of an old trainer": (
        "references",
        {
            "customer_landing": adding(person(CID, "old", lastUpdateDate=T0 - 1)),
            CUSTOMERS: with_values({"serialNumber": "old"}, email=CID),
            PEOPLE: with_values({"serialNumber": "old"}, email=CID),
        },
        {},
        [
            (CUSTOMERS, "rows that no deciding landed record has", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 2),
            (STEPS, "rows of nobody in customers_curated", 2),
        ],
    ),
    "a customer who agreed at another time": (
        "references",
        {CUSTOMERS: with_values({"shareWithResearchAsOfDate": T0 + 1}, email=CID)},
        {},
        [(CUSTOMERS, "rows that no deciding landed record has", 1)],
    ),
    "a reading of nobody": (
        "references",
        {READINGS: adding(worn("x@y.z"))},
        {},
        [(READINGS, "rows of nobody in customer_trusted", 1)],
    ),
    "a curated customer of nobody": (
        "references",
        {PEOPLE: adding(person("x@y.z"))},
        {},
        [
            (PEOPLE, "people without a participantId", 1),
            (PEOPLE, "people without a reading in accelerometer_trusted", 1),
            (PEOPLE, "rows that customer_trusted has not", 1),
        ],
    ),
    "a step of nobody": (
        "references",
        {STEPS: adding(stepped("unknown"))},
        {},
        [(STEPS, "rows of nobody in customers_curated", 1)],
    ),
    "a number of nobody": (
        "references",
        {PAIRS: adding(paired(STRANGER))},
        {},
        [
            (PAIRS, "rows of a participantId that was not given", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 1),
        ],
    ),
    "a pair of a step that is not there": (
        "references",
        {PAIRS: adding(OF_ANN | {"distanceFromObject": 202})},
        {},
        [(PAIRS, "rows without their step reading in step_trainer_trusted", 1)],
    ),
    "pairs of a reading that is not there": (
        "references",
        {PAIRS: adding(*(OF_ANN | {name: 99.0} for name in "xyz"))},
        {},
        [(PAIRS, "rows without their reading in accelerometer_trusted", 3)],
    ),
    "a pair of a time at which nothing is": (
        "references",
        {PAIRS: adding(OF_ANN | {"sensorReadingTime": EARLY + 1})},
        {},
        [
            (PAIRS, "rows without their reading in accelerometer_trusted", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 1),
        ],
    ),
    "lost customers": (
        "reconciliation",
        {CUSTOMERS: without(email=CID), PEOPLE: without(email=ANN), READINGS: adding(), PAIRS: adding()},
        {},
        # What is made of a customer who is lost is too many.
        [
            (READINGS, TOO_MANY, 2),
            (CUSTOMERS, MISSING, 1),
            (PEOPLE, MISSING, 1),
            (PEOPLE, TOO_MANY, 1),
            (PAIRS, TOO_MANY, 4),
            (STEPS, TOO_MANY, 2),
        ],
    ),
    "lost readings, steps and pairs": (
        "reconciliation",
        {
            READINGS: without(user=ANN, timestamp=LATE),
            STEPS: without(serialNumber=f"serial-of-{CID}"),
            PAIRS: without(sensorReadingTime=EARLY),
        },
        {},
        [(READINGS, MISSING, 1), (PAIRS, MISSING, 7), (STEPS, MISSING, 2)],
    ),
    "rows from nowhere": (
        "reconciliation",
        {
            CUSTOMERS: adding(person("x@y.z")),
            PEOPLE: adding(person("x@y.z")),
            READINGS: adding(worn(ANN, LATE + 1)),
            STEPS: adding(stepped("ida-1", LATE + 1), stepped("shared", LATE)),
            PAIRS: twice(sensorReadingTime=EARLY),
        },
        {},
        [
            (READINGS, TOO_MANY, 1),
            (CUSTOMERS, TOO_MANY, 1),
            (PEOPLE, TOO_MANY, 1),
            (PAIRS, TOO_MANY, 7),
            (STEPS, TOO_MANY, 2),
        ],
    ),
    "one row for another": (
        "reconciliation",
        {READINGS: with_values({"x": 9.5}, user=ANN, timestamp=LATE)},
        {},
        [(READINGS, MISSING, 1), (READINGS, TOO_MANY, 1)],
    ),
    # Hal is 221 until the day after; Leo's age is unknown.
    "the old where only the young may be": ("reconciliation", {}, {"max_age": 220}, [(CUSTOMERS, TOO_MANY, 2)]),
    "the old on the eve of their birthday": ("reconciliation", {}, {"max_age": 221}, [(CUSTOMERS, TOO_MANY, 1)]),
    "one who may be as old, of whom either record may count": (
        "reconciliation",
        {"customer_landing": adding(person(CID, birthDay="1800-06-19", birthDayValid=True))},
        {"max_age": 220},
        [(CUSTOMERS, TOO_MANY, 2)],
    ),
    "one whose birthday is no date": (
        "reconciliation",
        {"customer_landing": with_values({"birthDay": "1970-1-1", "birthDayValid": False}, email=CID)},
        {"max_age": 220},
        [(CUSTOMERS, TOO_MANY, 3)],
    ),
    "a lost customer where only the young may be": (
        "reconciliation",
        {CUSTOMERS: without(email=ANN)},
        {"max_age": 220},
        [
            (READINGS, TOO_MANY, 2),
            (CUSTOMERS, MISSING, 1),
            (CUSTOMERS, TOO_MANY, 2),
            (PEOPLE, TOO_MANY, 1),
            (PAIRS, TOO_MANY, 2),
        ],
    ),
    "early ones under as_of": (
        "reconciliation",
        {},
        AS_OF,
        [(READINGS, TOO_MANY, 1), (PAIRS, TOO_MANY, 1), (STEPS, TOO_MANY, 1)],
    ),
    "early ones under as_of_accelerometer": (
        "reconciliation",
        {},
        AS_OF_ACCELEROMETER,
        [(READINGS, TOO_MANY, 1), (PAIRS, TOO_MANY, 1)],
    ),
    "pairs of the same time only": (
        "reconciliation",
        {},
        BY_TIME,
        [(PAIRS, MISSING, 14 * 9 - 14)],
    ),
    "an address for a number": (
        "personal_data",
        {PAIRS: with_values({"participantId": ANN}, participantId="{ann}")},
        {},
        [
            (PAIRS, "participantIds that are an address or a serial number", 2),
            (PAIRS, "participantIds that are no random number", 2),
        ],
    ),
    "a number that was computed": (
        "personal_data",
        {PAIRS: adding(paired(str(uuid.uuid5(uuid.NAMESPACE_DNS, ANN))))},
        {},
        [(PAIRS, "participantIds that are no random number", 1)],
    ),
    "no number": (
        "personal_data",
        {PAIRS: lambda rows: [*rows, paired("")]},
        {},
        [(PAIRS, "participantIds that are no random number", 1)],
    ),
    "a serial number that looks random": (
        "personal_data",
        {"customer_landing": adding(person("x@y.z", STRANGER)), PAIRS: adding(paired(STRANGER))},
        {},
        [(PAIRS, "participantIds that are an address or a serial number", 1)],
    ),
    "a trainer of nobody that looks random": (
        "personal_data",
        {"step_trainer_landing": adding(stepped(STRANGER.upper())), PAIRS: adding(paired(STRANGER))},
        {},
        [(PAIRS, "participantIds that are an address or a serial number", 1)],
    ),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_planted_violation_is_found(world: Scenario, numbers: dict[str, str], violation: str) -> None:
    question, changes, rules, found = VIOLATIONS[violation]
    named = {table: _named(change, numbers) for table, change in changes.items()}
    with planted(world, named):
        assert ask(world, f"verify/{question}.sql", **rules) == found
    assert ask(world, f"verify/{question}.sql") == []


def test_every_question_is_put_to_violations() -> None:
    assert {f"{question}.sql" for question, *_ in VIOLATIONS.values()} == set(VERIFY)


def test_a_column_too_many_is_found(tmp_path, sail_url: str) -> None:
    scenario = everybody(tmp_path, engine=sail_url)
    assert scenario.run().success
    table = scenario.lakehouse().table(PAIRS)
    assert table is not None
    with table.update_schema() as update:
        from pyiceberg.types import StringType

        update.add_column("phone", StringType())
    table.overwrite(table.scan().to_arrow())
    assert ask(scenario, "verify/personal_data.sql") == [(PAIRS, "columns that do not belong there", 1)]


@pytest.mark.parametrize("file", VERIFY)
def test_what_is_found_is_a_table_a_problem_and_a_number(world: Scenario, file: str) -> None:
    from stedi_dagster.lakehouse.query import connect
    from stedi_dagster.sql.library import SQL
    from stedi_dagster.sql.texts import parse, said_locally

    text = said_locally(parse((SQL / "verify" / file).read_text(encoding="utf-8")), world.load_settings())
    with connect(world.lakehouse()) as connection:
        assert connection.sql(text).columns == ["table_name", "problem", "rows"]


def _named(change: Change, numbers: dict[str, str]) -> Change:
    """The change with the numbers of {ann} and {dan}, which are drawn anew for every world."""
    of = {f"{{{email.partition('@')[0]}}}": number for email, number in numbers.items()}

    def named(there: list[Row]) -> list[Row]:
        unnamed = {number: name for name, number in of.items()}
        swapped = [{name: unnamed.get(value, value) for name, value in row.items()} for row in there]
        return [{name: of.get(value, value) for name, value in row.items()} for row in change(swapped)]

    return named
