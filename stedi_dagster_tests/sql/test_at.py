"""`stedi sql --at`: every table that a query names as it was at a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster_tests.command import Stedi, parsed
from stedi_dagster_tests.data.builders import NAME, add, measured, moment_of, publish, table_of
from stedi_dagster_tests.scenario import T0, Scenario, reading, step

COUNTS = """
WITH a AS (SELECT count(*) AS paired FROM Machine_Learning_Curated)
SELECT paired, (SELECT count(*) FROM main.accelerometer_landing) AS landed, (SELECT count(*) FROM landed_files) AS files
FROM a
"""


@pytest.fixture
def lake(tmp_path) -> Lakehouse:
    """An empty lakehouse."""
    return Lakehouse(tmp_path, str(tmp_path / "warehouse"))


def at(moment: datetime) -> tuple[str, str]:
    return "--at", moment.isoformat()


def test_every_table_that_is_named_is_as_it_was(stedi: Stedi, three_published: Scenario) -> None:
    between = datetime.now(UTC)
    three_published.land("accelerometer", reading(at=T0 + 9_000), name="part-2.json")
    three_published.land("step_trainer", step(at=T0 + 9_000), name="part-2.json")
    assert three_published.run().success
    home = three_published.home
    now = {"paired": 5, "landed": 7, "files": 5}
    then = {"paired": 4, "landed": 6, "files": 3}
    assert parsed(stedi("sql", "--json", COUNTS, home=home)) == [now]
    assert parsed(stedi("sql", "--json", COUNTS, *at(between), home=home)) == [then]
    assert parsed(stedi("sql", "--json", COUNTS, *at(datetime.now(UTC)), home=home)) == [now]
    told = stedi("sql", "sql/verify/consent.sql", *at(between), home=home, landing=three_published.landing)
    assert told.exit_code == 0, told.stderr


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT count(*) FROM {NAME}",
        f'SELECT count(*) FROM "{NAME.upper()}"',
        f"WITH a AS (FROM {NAME}) SELECT count(*) FROM a",
        f"SELECT 1 WHERE EXISTS (FROM {NAME})",
        f"CREATE VIEW a AS FROM {NAME}; FROM a",
        f"DESCRIBE {NAME}",
    ],
)
def test_a_table_whose_history_does_not_reach_is_refused_with_how_far_it_does(lake, stedi: Stedi, query) -> None:
    first = publish(lake, measured(1.0))
    told = stedi("sql", query, *at(moment_of(lake, first) - timedelta(milliseconds=1)), home=lake.home)
    assert told.exit_code == 2
    assert f"{NAME} as it was at" in told.stderr
    assert f"it was first published at {moment_of(lake, first).isoformat(timespec='milliseconds')}" in told.stderr


def test_a_view_of_all_feeds_needs_the_history_of_each(lake, stedi: Stedi) -> None:
    publish(lake, [], name="customer_landed_files")
    late = publish(lake, [], name="step_trainer_landed_files")
    made = moment_of(lake, late)
    told = stedi("sql", "FROM landed_files", *at(made - timedelta(milliseconds=1)), home=lake.home)
    assert told.exit_code == 2
    assert "step_trainer_landed_files as it was at" in told.stderr
    assert stedi("sql", "FROM landed_files", *at(made), home=lake.home).exit_code == 0


def test_what_names_no_such_table_is_answered_all_the_same(lake, stedi: Stedi) -> None:
    publish(lake, measured(1.0))
    assert parsed(stedi("sql", "--json", "SELECT 1 AS n", "--at", "2020-01-01", home=lake.home)) == [{"n": 1}]
    told = stedi("sql", "FROM nothing_of_that_name", "--at", "2020-01-01", home=lake.home)
    assert "nothing_of_that_name does not exist" in told.stderr


def test_history_that_has_expired_is_told_apart_from_none(lake, stedi: Stedi) -> None:
    first, second = publish(lake, measured(1.0)), add(lake, measured(2.0))
    table_of(lake).maintenance.expire_snapshots().by_ids([first.snapshot_id]).commit()
    told = stedi("sql", f"FROM {NAME}", *at(moment_of(lake, second) - timedelta(milliseconds=1)), home=lake.home)
    assert told.exit_code == 2
    assert "the oldest snapshot that is left is of" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--at", "yesterday"), "'yesterday' is no moment"),
        (("--at", "2999-01-01"), "has not come yet"),
        (("--at", "2020-01-01", "--on", "athena"), "FOR TIMESTAMP AS OF"),
    ],
)
def test_a_moment_that_is_none_and_athena_are_refused(stedi: Stedi, tmp_path, arguments, sentence) -> None:
    told = stedi("sql", "SELECT 1", *arguments, home=tmp_path)
    assert told.exit_code == 2
    assert sentence in told.stderr
