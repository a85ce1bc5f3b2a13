"""What is true of all contracts: names, units, personal data, and the bound that depends on the run."""

import math
import re
from typing import Any

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest
from pandera.api.pyspark.container import DataFrameSchema
from pyspark.sql import SparkSession

from stedi_dagster.contracts import TABLES, AccelerometerLanding, CustomerTrusted, LandedFiles, Participants, Quarantine
from stedi_dagster.contracts.base import AHEAD_OF_RUN_MS, EARLIEST_MS, EPOCH_MS, Contract, is_moment, latest_ms
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster_tests.scenario import T0, customer, reading, step

ALL = [*TABLES.values(), Quarantine, LandedFiles, Participants]
PERSONAL_EVERYWHERE = {
    *("email", "user", "customerName", "phone", "birthDay", "serialNumber"),
    *("file", "raw", "people", "devices", "attributedTo"),
}
# What no table has that it is made from.
BY_EVIDENCE = "attributedTo"
by_name = pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.table())


def test_the_eight_tables_are_in_the_order_of_their_layers():
    assert list(TABLES) == [
        "customer_landing",
        "accelerometer_landing",
        "step_trainer_landing",
        "customer_trusted",
        "accelerometer_trusted",
        "step_trainer_trusted",
        "customers_curated",
        "machine_learning_curated",
    ]
    assert {name: contract.table() for name, contract in TABLES.items()} == {name: name for name in TABLES}


def test_every_feed_lands_in_the_table_of_its_contract():
    assert list(FEEDS) == list(TABLES)[:3]
    assert [feed.quarantine for feed in FEEDS.values()] == [
        "customer_quarantine",
        "accelerometer_quarantine",
        "step_trainer_quarantine",
    ]
    assert [feed.landed_files for feed in FEEDS.values()] == [
        "customer_landed_files",
        "accelerometer_landed_files",
        "step_trainer_landed_files",
    ]
    assert all(feed.contract is TABLES[name] for name, feed in FEEDS.items())


@pytest.mark.parametrize(("table", "record"), list(zip(FEEDS, (customer(), reading(), step()), strict=True)))
def test_landing_contracts_have_the_feeds_own_field_names(table, record):
    assert set(record) <= set(TABLES[table].names())


@by_name
def test_every_column_says_what_it_means_in_one_line(contract):
    assert contract.description().endswith(".")
    for spec in contract.columns():
        assert spec.description
        assert "\n" not in spec.meaning
        assert spec.meaning == (f"{spec.description} [{spec.unit}]" if spec.unit else spec.description)


@by_name
def test_names_struct_and_columns_agree(contract):
    assert contract.names() == [spec.name for spec in contract.columns()] == contract.struct().fieldNames()
    assert [field.dataType for field in contract.struct()] == [spec.type for spec in contract.columns()]
    assert set(contract.unique()) <= set(contract.names())


@by_name
def test_whatever_identifies_a_person_is_personal_wherever_it_stands(contract):
    flags = {spec.name: spec.personal for spec in contract.columns()}
    assert {name for name, flag in flags.items() if flag == "yes"} == PERSONAL_EVERYWHERE & set(flags)
    assert {name for name, flag in flags.items() if flag == "pseudonym"} == {"participantId", "key"} & set(flags)


def test_no_personal_column_reaches_machine_learning():
    contract = TABLES["machine_learning_curated"]
    assert contract.names() == ["participantId", "sensorReadingTime", "distanceFromObject", "x", "y", "z"]
    assert [spec.name for spec in contract.columns() if spec.personal == "yes"] == []


@by_name
def test_moments_are_longs_in_epoch_milliseconds_and_every_measurement_has_a_unit(contract):
    for spec in contract.columns():
        assert is_moment(spec) == (re.search(r"Date$|Time$|At$|^timestamp$", spec.name) is not None)
        if is_moment(spec):
            assert (spec.type, spec.unit) == (T.LongType(), EPOCH_MS)
        if isinstance(spec.type, T.DoubleType):
            assert spec.unit


@pytest.mark.parametrize(
    ("derived", "source"),
    [
        ("customer_trusted", "customer_landing"),
        ("customers_curated", "customer_trusted"),
        ("accelerometer_trusted", "accelerometer_landing"),
        ("step_trainer_trusted", "step_trainer_landing"),
    ],
)
def test_a_table_has_the_columns_of_the_one_it_is_made_from(derived, source):
    def shape(name: str) -> list[tuple[Any, ...]]:
        columns = (spec for spec in TABLES[name].columns() if spec.name != BY_EVIDENCE)
        return [(spec.name, spec.type, spec.nullable, spec.unit, spec.personal) for spec in columns]

    assert shape(derived) == shape(source)


def test_landing_may_hold_duplicates_and_what_follows_may_not():
    assert {name: contract.unique() for name, contract in TABLES.items() if contract.unique()} == {
        "customer_trusted": ["email"],
        "accelerometer_trusted": ["user", "timestamp", "x", "y", "z"],
        "customers_curated": ["email"],
        "step_trainer_trusted": ["sensorReadingTime", "serialNumber", "distanceFromObject"],
    }
    assert Participants.unique() == ["email"]


@by_name
def test_a_contract_refuses_columns_it_does_not_name(contract):
    assert contract.schema().strict is True


def checks_of(schema: DataFrameSchema) -> dict[str, int]:
    return {name: len(spec.checks) for name, spec in schema.columns.items()}


@by_name
def test_the_time_of_the_run_bounds_every_moment_and_nothing_else(contract):
    plain, bounded = checks_of(contract.schema()), checks_of(contract.schema(now_ms=T0))
    moments = {spec.name for spec in contract.columns() if is_moment(spec)}
    assert {name for name in plain if bounded[name] != plain[name]} == moments
    for name in moments:
        bounds = contract.schema(now_ms=T0).columns[name].checks
        assert [check.statistics for check in bounds] == [{"min_value": EARLIEST_MS}, {"max_value": latest_ms(T0)}]


def test_the_bound_of_one_run_does_not_stay_for_the_next():
    before = checks_of(AccelerometerLanding.to_schema())
    for now_ms in (T0, T0 + 1, T0 + 2):
        (_, latest) = AccelerometerLanding.schema(now_ms=now_ms).columns["timestamp"].checks
        assert latest.statistics == {"max_value": now_ms + AHEAD_OF_RUN_MS}
    assert checks_of(AccelerometerLanding.to_schema()) == before
    assert checks_of(AccelerometerLanding.schema()) == before
    assert checks_of(CustomerTrusted.schema())["registrationDate"] == 1


def failing(session: SparkSession, contract: type[Contract], record: dict[str, Any], *, now_ms: int) -> set[str]:
    """The columns of a one-row table that its contract complains about."""
    frame = session.createDataFrame([tuple(record.get(name) for name in contract.names())], contract.struct())
    validated: Any = contract.schema(now_ms=now_ms).validate(frame)
    errors = validated.pandera.errors
    return {error["column"] for error in errors.get("DATA", {}).get("DATAFRAME_CHECK", [])} | {
        error["column"] for error in errors.get("SCHEMA", {}).get("SERIES_CONTAINS_NULLS", [])
    }


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({}, []),
        ({"timestamp": EARLIEST_MS}, []),
        ({"timestamp": EARLIEST_MS - 1}, ["timestamp"]),
        ({"timestamp": T0 + AHEAD_OF_RUN_MS}, []),
        ({"timestamp": T0 + AHEAD_OF_RUN_MS + 1}, ["timestamp"]),
        ({"x": math.nan, "y": math.inf, "z": -math.inf}, ["x", "y", "z"]),
        ({"user": " \t"}, ["user"]),
        ({"user": None}, ["user"]),
    ],
    ids=str,
)
def test_the_landing_contract_refuses_what_the_reader_refuses(change, columns, sail):
    assert failing(sail, AccelerometerLanding, {**reading(at=T0), **change}, now_ms=T0) == set(columns)


def test_a_name_in_two_words_is_a_table_in_snake_case():
    class OneMoreTable(Contract):
        """First line
        goes on.

        Not this.
        """

    assert OneMoreTable.table() == "one_more_table"
    assert OneMoreTable.description() == "First line goes on."
