"""The `contract` audit: exact counts, for exactly the rules that pandera finds broken."""

from typing import Any

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandera.config import ValidationDepth, config_context
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.contract import audit_contract
from stedi_dagster.contracts import AccelerometerTrusted, Contract, CustomerTrusted, MachineLearningCurated
from stedi_dagster.contracts.base import column
from stedi_dagster_tests.audits.gate.values import CONTRACTS, NOW, Rows, broken, every_value, frames
from stedi_dagster_tests.scenario import T0

GOOD = ("ann@x", T0, 0.0, 1.0, -1.0)


def create(session: SparkSession, contract: type[Contract], rows: Rows) -> DataFrame:
    return session.createDataFrame(rows, contract.struct())


def found(frame: DataFrame, contract: type[Contract]) -> dict[str, int]:
    """What our audit counts."""
    outcome = audit_contract(frame, contract, now_ms=NOW)
    assert outcome.passed == (not outcome.counts)
    assert outcome.blocks != outcome.passed
    return dict(outcome.counts)


def found_by_pandera(frame: DataFrame, contract: type[Contract]) -> set[str]:
    """The rules that pandera's own validation finds broken, named as ours are."""
    schema = contract.schema(now_ms=NOW)
    with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        errors: Any = schema.validate(frame).pandera.errors
    kinds = {kind: each for level in errors.values() for kind, each in level.items()}
    broken_rules = {f"{error['column']}: {error['check']}" for error in kinds.pop("DATAFRAME_CHECK", [])}
    broken_rules |= {f"{error['column']}: not null" for error in kinds.pop("SERIES_CONTAINS_NULLS", [])}
    if kinds.pop("DUPLICATES", []):
        broken_rules.add(f"{', '.join(schema.unique)}: unique")
    assert not kinds, "pandera found something that this test does not know"
    return broken_rules


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_value_breaks_the_rules_that_pandera_says(sail: SparkSession, name: str) -> None:
    contract = CONTRACTS[name]
    for rows in every_value(contract):
        frame = create(sail, contract, rows)
        assert found(frame, contract) == broken(contract, rows), rows
        assert set(broken(contract, rows)) == found_by_pandera(frame, contract), rows


@settings(derandomize=True, deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(CONTRACTS.values())).flatmap(lambda one: st.tuples(st.just(one), frames(one))))
def test_counts_are_exact_and_there_are_some_where_pandera_finds_an_error(
    sail: SparkSession, content: tuple[type[Contract], Rows]
) -> None:
    contract, rows = content
    frame = create(sail, contract, rows)
    assert found(frame, contract) == broken(contract, rows)
    assert set(broken(contract, rows)) == found_by_pandera(frame, contract)


def test_both_engines_count_the_same(engine: SparkSession) -> None:
    for contract in (CustomerTrusted, AccelerometerTrusted, MachineLearningCurated):
        rows = [row for frame in every_value(contract) for row in frame] * 2
        assert found(create(engine, contract, rows), contract) == broken(contract, rows)


def test_nan_and_infinity_are_no_accelerations(engine: SparkSession) -> None:
    rows = [("ann@x", T0 + place, value, 0.0, 0.0) for place, value in enumerate((float("nan"), float("inf"), -1e308))]
    [count] = found(create(engine, AccelerometerTrusted, rows), AccelerometerTrusted).values()
    assert count == 2


def test_equal_rows_are_too_many_also_where_they_have_nulls_or_nan(sail: SparkSession) -> None:
    rows: Rows = [GOOD, GOOD, GOOD, ("ann@x", None, 0.0, 1.0, -1.0), ("ann@x", None, 0.0, 1.0, -1.0)]
    counts = found(create(sail, AccelerometerTrusted, rows), AccelerometerTrusted)
    assert counts == {"timestamp: not null": 2, "user, timestamp, x, y, z: unique": 3}


def test_different_rows_with_one_hash_are_not_too_many(engine: SparkSession) -> None:
    # The engines' hash of several columns passes over nulls.
    rows: Rows = [("ann@x", T0, 1.0, None, 0.0), ("ann@x", T0, None, 1.0, 0.0)]
    counts = found(create(engine, AccelerometerTrusted, rows), AccelerometerTrusted)
    assert counts == {"x: not null": 1, "y: not null": 1}


def test_nothing_keeps_every_rule(sail: SparkSession) -> None:
    for contract in CONTRACTS.values():
        assert found(create(sail, contract, []), contract) == {}


def test_wrong_columns_are_named_each(engine: SparkSession) -> None:
    frame = create(engine, AccelerometerTrusted, [GOOD])
    assert found(frame.drop("x"), AccelerometerTrusted) == {"x: missing": 1}
    assert found(frame.withColumn("email", F.col("user")), AccelerometerTrusted) == {"email: not in the contract": 1}
    assert found(frame.select("*", "z"), AccelerometerTrusted) == {"z: there several times": 1}
    assert found(frame.withColumn("x", F.col("x").cast("float")), AccelerometerTrusted) == {
        "x: float instead of double": 1
    }
    assert found(frame.withColumnRenamed("timestamp", "timeStamp"), AccelerometerTrusted) == {
        "timestamp: missing": 1,
        "timeStamp: not in the contract": 1,
    }


def test_the_order_of_the_columns_is_free(sail: SparkSession) -> None:
    frame = create(sail, AccelerometerTrusted, [GOOD])
    assert found(frame.select("z", "y", "x", "timestamp", "user"), AccelerometerTrusted) == {}


def test_no_outcome_holds_a_value(sail: SparkSession) -> None:
    for contract in CONTRACTS.values():
        secret = {"string": " no-secret-@", "bigint": 4711_4711_4711_4711, "double": float("inf"), "boolean": True}
        row = tuple(secret[spec.type.simpleString()] for spec in contract.columns())
        outcome = audit_contract(create(sail, contract, [row, row]), contract, now_ms=NOW)
        assert "secret" not in repr(outcome)
        assert "4711" not in repr(outcome)


class MadeUp(Contract):
    """Rules as pandera has them that no contract uses yet."""

    kind: T.StringType = column("One of two", isin=["a", "b"])
    prefix: T.StringType = column("Begins with a digit", str_matches="[0-9]")
    open: T.DoubleType = column(
        "Between", in_range={"min_value": 0.0, "max_value": 1.0, "include_min": False, "include_max": False}
    )


def test_rules_that_no_contract_uses_yet_mean_what_they_mean_to_pandera(sail: SparkSession) -> None:
    for rows in ([("a", "1a", 0.5)], [("c", "a1", 0.0)], [("", "", 1.0)], [("A", "é1", 2.0)], [("b", "1", 0.1)]):
        frame = create(sail, MadeUp, rows)
        assert set(found(frame, MadeUp)) == found_by_pandera(frame, MadeUp), rows
