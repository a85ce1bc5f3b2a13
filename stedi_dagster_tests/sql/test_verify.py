"""The verify queries: nothing where all is well, whatever the rules; and the exact rows of every planted violation."""

from typing import Any

import pytest

from stedi_dagster.settings.policy import PRESETS
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.sql.violations import VIOLATIONS
from stedi_dagster_tests.sql.violations.rows import CUSTOMERS, NUMBERS, PAIRS, STEPS, named
from stedi_dagster_tests.sql.worlds import ANN, CID, FILES, GUS, HAL, IDA_KEY, ask, everybody, planted

pytestmark = pytest.mark.long

VERIFY = [file.name for file in FILES if file.parent.name == "verify"]
POLICIES: dict[str, dict[str, Any]] = {
    **{preset: {"preset": preset} for preset in PRESETS},
    "as_of, any accelerometer": {"consent": "as_of", "match": "timestamp"},
    "as_of_accelerometer, own": {"consent": "as_of_accelerometer"},
    "as_of, young": {"consent": "as_of", "max_age": 120},
    "by evidence": {"serials": "evidence"},
}


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


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_planted_violation_is_found(world: Scenario, numbers: dict[str, str], violation: str) -> None:
    question, changes, rules, found = VIOLATIONS[violation]
    with planted(world, {table: named(change, numbers) for table, change in changes.items()}):
        assert ask(world, f"verify/{question}.sql", **rules) == found
    assert ask(world, f"verify/{question}.sql") == []


def test_every_question_is_put_to_violations() -> None:
    # Those of releases are put to theirs where releases are tested.
    assert {f"{question}.sql" for question, *_ in VIOLATIONS.values()} == {*VERIFY} - {"releases.sql", "exports.sql"}


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
    from stedi_dagster.lakehouse.query import connect, pinned
    from stedi_dagster.sql.library import SQL
    from stedi_dagster.sql.texts import parse, render_for_duckdb

    text = render_for_duckdb(parse((SQL / "verify" / file).read_text(encoding="utf-8")), world.load_settings())
    lakehouse = world.lakehouse()
    with connect(lakehouse, pinned(lakehouse, text)) as connection:
        assert connection.sql(text).columns == ["table_name", "problem", "rows"]
