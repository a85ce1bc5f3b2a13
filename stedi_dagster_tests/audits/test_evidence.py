"""Of shared serial numbers rule, gate and standing audits say what plain Python says, in random worlds."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.audits.gate.evidence import ROWS, WRONG_ROWS, Landed, audit_evidence
from stedi_dagster.audits.gate.records import every_record
from stedi_dagster.contracts import (
    TABLES,
    AccelerometerTrusted,
    Contract,
    CustomersCurated,
    CustomerTrusted,
    Participants,
    Quarantine,
    StepTrainerTrusted,
)
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.policies.people import curated_customers, trusted_customers
from stedi_dagster.policies.readings import paired_readings, trusted_accelerometer, trusted_steps
from stedi_dagster.policies.selection import Selection
from stedi_dagster.settings import Settings
from stedi_dagster.settings.policy import Policy
from stedi_dagster.sql.library import VERIFY
from stedi_dagster.sql.texts import parse, render_for_duckdb
from stedi_dagster_tests.policies.circles import Evidence, World, random_world
from stedi_dagster_tests.policies.frames import customers, frame, kept, participants, readings, steps, unreadable
from stedi_dagster_tests.policies.histories import key

pytestmark = pytest.mark.long

POLICIES = [
    Policy(serials="evidence"),
    Policy(serials="evidence", step_people="trusted"),
    Policy(serials="evidence", consent="as_of"),
    Policy(serials="evidence", consent="as_of_accelerometer", step_people="trusted"),
]
SEEDS = range(12)
SINCE = "shareWithResearchAsOfDate"
ASKED = ("ambiguous_serials", "consent", "duplicates", "references", "reconciliation", "same_person")


class Made:
    """All tables of a world by the rules, and what landed."""

    def __init__(self, session: SparkSession, world: World, policy: Policy) -> None:
        self.policy = policy
        self.landing = customers(session, *world.customers)
        self.texts = unreadable(session, *world.texts)
        self.worn, self.taken = readings(session, *world.readings), steps(session, *world.steps)
        self.trusted = _frame(CustomerTrusted, trusted_customers(self.landing, self.texts, policy))
        self.moved = _frame(AccelerometerTrusted, trusted_accelerometer(self.worn, self.trusted, policy))
        self.curated = _frame(CustomersCurated, curated_customers(self.trusted, self.moved))
        every = self.trusted if policy.step_people == "trusted" else None
        self.people = self.curated if every is None else every
        stepped = trusted_steps(self.taken, self.curated, self.landing, self.texts, policy, every, self.worn)
        self.stepped = _frame(StepTrainerTrusted, stepped)
        self.participants = participants(session, *kept_of(self.curated, "email"))
        self.pairs = paired_readings(self.stepped, self.moved, self.curated, self.participants, policy).kept

    def wrong_by_the_gate(self, content: DataFrame) -> tuple[int, int]:
        """How many rows rest on evidence, and how many of them the gate finds wrong."""
        records = every_record(self.landing, self.texts)
        landed = Landed(self.landing, self.texts, self.worn, self.taken, records)
        counts = audit_evidence(content, landed, self.people, least=0.5).counts
        return counts[ROWS], counts.get(WRONG_ROWS, 0)

    @contextmanager
    def published(self, home: Path, **instead: DataFrame) -> Iterator[Any]:
        """What a question of `sql/verify/` finds in it; `instead` are other rows of a table."""
        frames = {
            "customer_landing": self.landing,
            "accelerometer_landing": self.worn,
            "step_trainer_landing": self.taken,
            "customer_trusted": self.trusted,
            "accelerometer_trusted": self.moved,
            "customers_curated": self.curated,
            "step_trainer_trusted": self.stepped,
            "machine_learning_curated": self.pairs,
            "participants": self.participants,
            "customer_quarantine": self.texts,
        } | instead
        contracts: dict[str, type[Contract]] = {
            **TABLES,
            "participants": Participants,
            "customer_quarantine": Quarantine,
        }
        chosen: Mapping[str, Any] = self.policy.model_dump(exclude_none=True)
        rules = Settings.load(home=home, landing=str(home), **chosen)
        with duckdb.connect() as connection:
            for name, rows in frames.items():
                table = rows.select(*contracts[name].names()).toArrow().cast(arrow_schema(contracts[name]))
                connection.from_arrow(table).create(name)

            def ask(question: str) -> list[tuple[Any, ...]]:
                text = (VERIFY / f"{question}.sql").read_text(encoding="utf-8")
                return connection.execute(render_for_duckdb(parse(text), rules)).fetchall()

            yield ask


def _frame(contract: type[Contract], selection: Selection) -> DataFrame:
    """What a rule keeps, as a table that is there."""
    rows = kept(selection)
    session = selection.kept.sparkSession
    return frame(session, contract, (dict(zip(contract.names(), row, strict=True)) for row in rows))


def kept_of(rows: DataFrame, *columns: str) -> list[Any]:
    """Rows as tuples; of one column its values."""
    table: pa.Table = rows.select(*columns).toArrow()
    found: Iterable[tuple[Any, ...]] = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [row[0] if len(columns) == 1 else row for row in found]


def expected(world: World, made: Made) -> set[tuple[str, int, str]]:
    """The rows that rest on evidence, by plain Python, where it is known who and whose serial number is kept."""
    evidence = Evidence(world)
    since = {(email, serial): at for email, serial, at in kept_of(made.people, "email", "serialNumber", SINCE)}
    found = set()
    for one in world.steps:
        serial, at = key(one["serialNumber"]), one["sensorReadingTime"]
        who = evidence.mover(serial, at)
        if who is not None and (who, serial) in since:
            early = made.policy.consent != "granted" and at < since[who, serial]
            found |= set() if early else {(serial, at, who)}
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rule_keeps_what_evidence_tells_and_no_audit_finds_anything(
    sail: SparkSession, tmp_path: Path, seed: int
) -> None:
    world = random_world(seed)
    made = Made(sail, world, POLICIES[seed % len(POLICIES)])
    rows = kept_of(made.stepped.where("attributedTo IS NOT NULL"), "serialNumber", "sensorReadingTime", "attributedTo")
    assert set(rows) == expected(world, made)
    assert len(rows) == len(set(rows)) > 0
    shared = {serial for serial in {key(one["serialNumber"]) for one in world.steps} if _several(world, serial)}
    assert not shared.intersection(kept_of(made.stepped.where("attributedTo IS NULL"), "serialNumber"))
    assert made.wrong_by_the_gate(made.stepped) == (len(rows), 0)
    with made.published(tmp_path) as ask:
        assert {question: ask(question) for question in ASKED} == {question: [] for question in ASKED}


@pytest.mark.parametrize("seed", SEEDS)
def test_gate_and_standing_audit_find_every_row_that_evidence_does_not_bear_out(
    sail: SparkSession, tmp_path: Path, seed: int
) -> None:
    world = random_world(seed)
    made, evidence = Made(sail, world, Policy(serials="evidence", step_people="trusted")), Evidence(world)
    keepers = kept_of(made.people, "email", "serialNumber")
    claims = {
        (serial, one["sensorReadingTime"], who)
        for one in world.steps
        for serial in [key(one["serialNumber"])]
        for who, carried in keepers
        if carried == serial and _several(world, serial)
    }
    wrong = [claim for claim in claims if evidence.mover(claim[0], claim[1]) != claim[2]]
    assert len(claims) > len(wrong) > 0
    content = frame(
        sail,
        StepTrainerTrusted,
        (
            {"serialNumber": serial, "sensorReadingTime": at, "distanceFromObject": number, "attributedTo": who}
            for number, (serial, at, who) in enumerate(sorted(claims))
        ),
    )
    assert made.wrong_by_the_gate(content) == (len(claims), len(wrong))
    with made.published(tmp_path, step_trainer_trusted=content) as ask:
        [(table, _, rows)] = [found for found in ask("ambiguous_serials") if found[0] == "step_trainer_trusted"]
    assert (table, rows) == ("step_trainer_trusted", len(wrong))


def _several(world: World, serial: str) -> bool:
    return len(Evidence(world).carriers(serial)) > 1
