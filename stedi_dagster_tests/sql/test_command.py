"""`stedi sql` on this machine: files are Athena's, typed queries DuckDB's."""

import pytest

from stedi_dagster.sql.library import SQL
from stedi_dagster_tests.cli.worlds import two_people
from stedi_dagster_tests.command import Stedi, parsed
from stedi_dagster_tests.scenario import Scenario

ATHENAS = "SELECT element_at(split('a,b', ','), 2) AS b, :consent AS consent, :n + 1 AS n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two people, published; one text that is no record."""
    return two_people(tmp_path_factory.mktemp("world"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a question.sql"
    path.write_text(f"-- A question.\n{ATHENAS};\n", encoding="utf-8-sig")
    return path


def test_a_file_is_translated_and_has_the_rules_and_what_is_given(stedi: Stedi, world: Scenario, file) -> None:
    told = stedi("sql", "--json", str(file), "-p", "n=1", home=world.home, preset="as-of")
    assert parsed(told) == [{"b": "b", "consent": "as_of", "n": 2}]
    told = stedi("sql", "--json", str(file), "-p", "n=1", "--param", "consent=granted", home=world.home)
    assert parsed(told) == [{"b": "b", "consent": "granted", "n": 2}]


def test_a_typed_query_is_duckdbs_and_takes_no_parameter(stedi: Stedi, world: Scenario) -> None:
    assert parsed(stedi("sql", "--json", "FROM customer_trusted SELECT count(*) AS n", home=world.home)) == [{"n": 1}]
    told = stedi("sql", "SELECT 1", "-p", "n=1", home=world.home)
    assert told.exit_code == 2
    assert "a typed query can hold its values itself" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "needs a value for n: add -p n=..."),
        (("-p", "n=1", "-p", "m=1"), "has no parameter m; it has consent, n"),
        (("-p", "n"), "parameter as name=value"),
    ],
)
def test_parameters_that_do_not_fit_are_explained(
    stedi: Stedi,
    world: Scenario,
    file,
    arguments,
    reason,
) -> None:
    told = stedi("sql", str(file), *arguments, home=world.home)
    assert told.exit_code == 2
    assert reason in told.stderr
    assert told.stdout == ""


def test_a_file_that_is_no_text_or_no_sql_is_explained(stedi: Stedi, world: Scenario, tmp_path) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(b"\xff\xfe\x00")
    assert "it is not UTF-8" in stedi("sql", str(path), home=world.home).stderr
    path.write_text("SELECT (1", encoding="utf-8")
    assert "is not in Athena's dialect of SQL: line 1" in stedi("sql", str(path), home=world.home).stderr


def test_a_raw_table_is_for_athena(stedi: Stedi, world: Scenario) -> None:
    file = str(SQL / "landing/customer_landing.sql")
    told = stedi("sql", file, "-p", "bucket=b", "-p", "prefix=p", home=world.home)
    assert told.exit_code == 2
    assert "add --on athena" in told.stderr


def test_another_world_is_a_usage_error(stedi: Stedi) -> None:
    assert stedi("sql", "--on", "mars", "SELECT 1").exit_code == 2
