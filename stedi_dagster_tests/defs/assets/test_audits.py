"""Write, audit, publish: a planted fault fails its check, with counts, and is not published.

The faults run over one published world, which no failure may change: not by a row, not by a file.
"""

from typing import Any

import dagster as dg
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import TABLES
from stedi_dagster.keys import with_keys
from stedi_dagster_tests.defs.assets.builders import (
    ANN,
    BOB,
    CID,
    below,
    contents,
    failure,
    files,
    keeping,
    materialize,
    materialized,
    orphans,
    plant,
    snapshots,
    three_people,
)
from stedi_dagster_tests.scenario import T0, Scenario, checks, counts, customer

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Scenario:
    """Everything of three people, published."""
    scenario = three_people(tmp_path_factory.mktemp("world"))
    assert scenario.run().success
    return scenario


def refused(world, table) -> dg.ExecuteInProcessResult:
    """Materialize a table and all below it; see that nothing of them is published, written or even tried."""
    before = (snapshots(world), files(world))
    result = materialize(world, dg.DagsterInstance.ephemeral(), table, *below(table))
    assert not result.success
    assert (snapshots(world), files(world)) == before
    assert materialized(result) == set()
    assert {of for of, _ in checks(result)} == {table}
    text = failure(result, table)
    failed = [check for (_, check), found in checks(result).items() if not found.passed]
    what = "a check" if len(failed) == 1 else "checks"
    assert f"{table} is not published, because {what} failed: {', '.join(failed)}. " in text
    return result


def as_other_code(monkeypatch) -> None:
    """What was found by the code before is not believed of the gate's code now."""
    monkeypatch.setattr("stedi_dagster.drafts.audited.audit_version", lambda: "another version")


def everybody(table: str, landing: str, *keys: str) -> Any:
    def change(_kept: DataFrame, frames: dict[str, DataFrame]) -> DataFrame:
        landed = with_keys(frames[landing], *keys)
        missing = (
            F.lit(None).cast("string").alias(name) for name in TABLES[table].names() if name not in landed.columns
        )
        return landed.select("*", *missing).select(*TABLES[table].names())

    return change


def twice(kept, _frames):
    return kept.union(kept)


def fewer(kept, _frames):
    return kept.limit(1)


def none(kept, _frames):
    return kept.where(F.lit(False))


TWICE = {
    "unique_person": {"rows too many": 2},
    "contract": {"email: unique": 2},
    "reconciliation": {"kept": 4, "unaccounted for": -2},
}

# Table, what goes wrong with its rows, and the counts that the failing checks must show.
FAULTS: dict[str, tuple[str, Any, dict[str, dict[str, int]]]] = {
    "an unconsented customer": (
        "customer_trusted",
        everybody("customer_trusted", "customer_landing", "email", "serialNumber"),
        {"consent": {"rows without consent": 1}, "reconciliation": {"unaccounted for": -1}},
    ),
    "an unconsented person's readings": (
        "accelerometer_trusted",
        everybody("accelerometer_trusted", "accelerometer_landing", "user"),
        {"consent": {"rows without consent": 2}, "reconciliation": {"unaccounted for": -2}},
    ),
    "an unconsented person's steps": (
        "step_trainer_trusted",
        everybody("step_trainer_trusted", "step_trainer_landing", "serialNumber"),
        {"consent": {"rows without consent": 2}, "reconciliation": {"unaccounted for": -2}},
    ),
    "an unconsented curated customer": (
        "customers_curated",
        lambda kept, _: kept.withColumn("email", F.replace("email", F.lit(ANN), F.lit(BOB))),
        {"consent": {"rows without consent": 1}},
    ),
    "customers twice": ("customer_trusted", twice, TWICE),
    "curated customers twice": ("customers_curated", twice, TWICE),
    "customers dropped": ("customer_trusted", fewer, {"reconciliation": {"unaccounted for": 1}}),
    "readings dropped": ("accelerometer_trusted", fewer, {"reconciliation": {"unaccounted for": 3}}),
    "all steps dropped": ("step_trainer_trusted", none, {"reconciliation": {"unaccounted for": 4, "kept": 0}}),
    "pairs dropped": ("machine_learning_curated", fewer, {"reconciliation": {"unaccounted for": 3}}),
    "two people paired": (
        "machine_learning_curated",
        lambda kept, _: kept.withColumn("x", F.lit(2.0) - F.col("x")),
        {"same_person": {"rows that pair two people": 4}},
    ),
    "a null": (
        "machine_learning_curated",
        lambda kept, _: kept.withColumn("y", F.when(F.col("x") > 1, F.col("y"))),
        {"contract": {"y: not null": 2}},
    ),
    "an address instead of a number": (
        "machine_learning_curated",
        lambda kept, _: kept.withColumn("participantId", F.lit(ANN)),
        {"consent": {"rows without consent": 4}},
    ),
    "an address that is not trimmed": (
        "customer_trusted",
        lambda kept, _: kept.withColumn("email", F.concat(F.lit(" "), "email")),
        {"contract": {}},
    ),
    "a broken clock": (
        "accelerometer_trusted",
        lambda kept, _: kept.withColumn("timestamp", F.lit(5).cast("long")),
        {"contract": {}},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_its_check_and_nothing_of_it_is_published(world, monkeypatch, fault):
    table, change, expected = FAULTS[fault]
    plant(monkeypatch, table, keeping(change))
    found = checks(refused(world, table))
    for check, rows in expected.items():
        evaluation = found[table, check]
        assert not evaluation.passed
        assert evaluation.severity == dg.AssetCheckSeverity.ERROR
        assert evaluation.blocking
        assert rows.items() <= counts(evaluation).items()
        assert sum(counts(evaluation).values())


WRONG_COLUMNS = {
    "a column missing": lambda kept, _: kept.drop(kept.columns[-1]),
    "the first column missing": lambda kept, _: kept.drop(kept.columns[0]),
    "a column too many": lambda kept, _: kept.withColumn("raw", F.lit("secret")),
    "a column of another type": lambda kept, _: kept.withColumn(kept.columns[-1], F.lit(1).cast("int")),
}


@pytest.mark.parametrize("wrong", WRONG_COLUMNS)
@pytest.mark.parametrize("table", ["customer_trusted", "accelerometer_trusted", "machine_learning_curated"])
def test_exactly_the_contracts_columns_are_published(world, monkeypatch, table, wrong):
    plant(monkeypatch, table, keeping(WRONG_COLUMNS[wrong]))
    evaluation = checks(refused(world, table))[table, "contract"]
    assert not evaluation.passed
    assert sum(counts(evaluation).values()) > 0


def test_an_audit_that_cannot_run_has_failed(world, monkeypatch):
    from stedi_dagster.audits.gate import people

    def quoting(content):
        return content.selectExpr(f"raise_error('{ANN}')").collect()

    monkeypatch.setattr(people, "audit_unique_person", quoting)
    as_other_code(monkeypatch)
    evaluation = checks(refused(world, "customer_trusted"))["customer_trusted", "unique_person"]
    assert not evaluation.passed
    assert str(evaluation.description).startswith("The audit could not run: ")
    assert ANN not in str(evaluation)


def test_content_that_is_published_already_is_audited_again(world, monkeypatch):
    from stedi_dagster.audits.gate import people
    from stedi_dagster.audits.outcome import Outcome

    new_rule = Outcome("unique_person", passed=False, summary="A new rule.", counts={"rows": 1})
    monkeypatch.setattr(people, "audit_unique_person", lambda _content: new_rule)
    as_other_code(monkeypatch)
    result = refused(world, "customer_trusted")
    assert counts(checks(result)["customer_trusted", "unique_person"]) == {"rows": 1}


def test_a_run_of_everything_goes_on_with_what_is_not_below_the_fault(three_published, monkeypatch):
    scenario = three_published
    before, there = contents(scenario), snapshots(scenario)
    scenario.land("customer", customer("dora@example.com"), name="part-2.json")
    plant(monkeypatch, "customer_trusted", keeping(twice))
    result = scenario.run()
    assert not result.success
    assert set(TABLES) - materialized(result) == {"customer_trusted"} | below("customer_trusted")
    assert len(scenario.rows("customer_landing")) == 4
    for name in set(TABLES) - materialized(result):
        assert snapshots(scenario)[name] == there[name]
        assert scenario.rows(name) == before[name]
    assert orphans(scenario) == set()
    monkeypatch.undo()
    assert scenario.run().success
    assert len(scenario.rows("customer_trusted")) == 3


def test_the_participant_of_somebody_whose_record_cannot_be_read_is_not_published_again(three_published, monkeypatch):
    scenario = three_published
    scenario.settings["max_bad_share"] = 0.5
    before = scenario.rows("machine_learning_curated")
    numbers = dict(scenario.query("SELECT email, participantId FROM participants"))
    doubtful = {**customer(CID, lastUpdateDate=T0 + 5000), "shareWithResearchAsOfDate": "never"}
    scenario.land("customer", doubtful, name="part-2.json")

    def with_a_former_number(kept, frames):
        return kept.withColumn("participantId", F.lit(numbers[CID]))

    plant(monkeypatch, "machine_learning_curated", keeping(with_a_former_number))
    result = scenario.run()
    assert counts(checks(result)["machine_learning_curated", "consent"])["rows without consent"] == 2
    without = [row for row in before if numbers[CID] not in row]
    assert scenario.rows("machine_learning_curated") == without
    monkeypatch.undo()
    assert scenario.run().success
    assert scenario.rows("machine_learning_curated") == without


def test_pairs_of_two_people_are_a_warning_where_they_were_asked_for(tmp_path):
    scenario = three_people(tmp_path)
    result = scenario.run(match="timestamp")
    assert result.success
    evaluation = checks(result)["machine_learning_curated", "same_person"]
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert counts(evaluation) == {"rows that pair two people": 4}
    assert len(scenario.rows("machine_learning_curated")) == 8
