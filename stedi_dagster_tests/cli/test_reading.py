"""`stedi tables`, `stedi quarantine`, `stedi sql`: what is published, for people and for scripts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.cli.conftest import parsed
from stedi_dagster_tests.scenario import Scenario

QUARANTINED = {
    "feed": "customer",
    "file": "customer/landing/broken [bold] file.json",
    "line": 2,
    "position": 1,
    "reason": "not JSON",
    "raw": '{"email": "half@example.com"',
}


def test_tables_are_listed_as_json_in_the_order_in_which_data_flows(stedi, world):
    rows = parsed(stedi("tables", "--json", home=world.home))
    assert [row["table"] for row in rows] == list(TABLES)
    for row in rows:
        assert set(row) == {"table", "rows", "snapshot_id", "committed_at", "location"}
        assert row["rows"] == len(world.rows(row["table"]))
        table = world.lakehouse().table(row["table"])
        assert table is not None
        assert row["snapshot_id"] == table.metadata.current_snapshot_id
        assert row["location"] == table.location()
        age = datetime.now(UTC) - datetime.fromisoformat(row["committed_at"])
        assert 0 <= age.total_seconds() < 3600


def test_tables_are_listed_for_people_without_folding(stedi, world):
    result = stedi("tables", home=world.home)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["table", "rows", "snapshot_id", "committed_at", "location"]
    assert [line.split()[0] for line in lines[1:]] == list(TABLES)
    assert all(str(world.home) in line for line in lines[1:])


def test_quarantine_is_shown_with_place_reason_and_raw_text(stedi, world):
    assert parsed(stedi("quarantine", "--json", home=world.home)) == [QUARANTINED]
    result = stedi("quarantine", home=world.home)
    assert result.exit_code == 0
    assert "broken [bold] file.json" in result.stdout
    assert '{"email": "half@example.com"' in result.stdout
    assert "1 of 1 quarantined texts" in result.stderr


def test_a_limit_is_for_people_only_and_json_has_all(stedi, tmp_path):
    scenario = Scenario(tmp_path, {"max_bad_share": 1})
    scenario.land_text("customer", "{\n" * 3)
    assert scenario.run(job="landing").success
    result = stedi("quarantine", "--limit", "2", home=scenario.home)
    assert "2 of 3 quarantined texts" in result.stderr
    assert len(result.stdout.splitlines()) == 3
    assert len(parsed(stedi("quarantine", "--limit", "2", "--json", home=scenario.home))) == 3
    assert stedi("quarantine", "--limit", "0", home=scenario.home).exit_code == 2


@pytest.mark.parametrize("table", [*TABLES, "participants", "quarantine", "customer_quarantine"])
def test_every_table_can_be_queried_by_its_name(stedi, world, table):
    [row] = parsed(stedi("sql", f"SELECT count(*) AS rows FROM {table}", "--json", home=world.home))
    assert row["rows"] == len(world.rows(table))


def test_a_query_is_given_as_text_or_as_a_file(stedi, world, tmp_path):
    query = "SELECT email, shareWithResearchAsOfDate IS NOT NULL AS agrees FROM customer_landing ORDER BY email;\n"
    expected = [
        {"email": "ann@example.com", "agrees": True},
        {"email": "bob@example.com", "agrees": False},
    ]
    assert parsed(stedi("sql", query, "--json", home=world.home)) == expected
    file = tmp_path / "my query.sql"
    file.write_text(query, encoding="utf-8")
    assert parsed(stedi("sql", str(file), "--json", home=world.home)) == expected
    result = stedi("sql", str(file), home=world.home)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["email", "agrees"],
        ["ann@example.com", "True"],
        ["bob@example.com", "False"],
    ]


def test_columns_of_the_same_name_are_all_shown(stedi, world):
    query = "SELECT a.email, b.email FROM customer_landing a JOIN customer_landing b ON a.email < b.email"
    [row] = parsed(stedi("sql", query, "--json", home=world.home))
    assert row == {"email": "ann@example.com", "email_2": "bob@example.com"}


def test_values_that_json_lacks_are_still_json(stedi, world):
    query = "SELECT DATE '2022-06-18' AS day, 1.50::DECIMAL(4, 2) AS price, 'nan'::DOUBLE AS nothing, [1, 2] AS list"
    [row] = parsed(stedi("sql", query, "--json", home=world.home))
    assert row == {"day": "2022-06-18", "price": "1.50", "nothing": "nan", "list": [1, 2]}


def test_no_rows_are_an_empty_array(stedi, world):
    nothing = "SELECT * FROM customer_landing WHERE false"
    assert parsed(stedi("sql", nothing, "--json", home=world.home)) == []
    assert stedi("sql", nothing, home=world.home).exit_code == 0


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM no_such_table", "no_such_table"),
        ("SELECT no_such_column FROM customer_landing", "no_such_column"),
        ("SELECT 1/'a'", "Conversion Error"),
    ],
)
def test_a_query_that_is_wrong_is_explained(stedi, world, query, reason):
    result = stedi("sql", query, home=world.home)
    assert result.exit_code == 2
    assert "The query failed" in result.stderr
    assert reason in result.stderr
    assert result.stdout == ""


def test_queries_change_nothing_that_is_published(stedi, world):
    before = world.rows("customer_landing")
    stedi("sql", "DROP VIEW customer_landing", home=world.home)
    assert world.rows("customer_landing") == before


@pytest.mark.parametrize("command", [["tables"], ["quarantine"], ["report"], ["sql", "SELECT 1"]])
def test_before_the_first_run_there_is_nothing_and_nothing_is_made(stedi, tmp_path, command):
    result = stedi(*command, home=tmp_path / "home")
    assert result.exit_code == 2
    assert "Nothing is published" in result.stderr
    assert "stedi run" in result.stderr
    assert not (tmp_path / "home").exists()


def test_a_lakehouse_without_any_feed_says_so_when_asked_for_quarantine(stedi, tmp_path):
    scenario = Scenario(tmp_path, {"max_bad_share": 0})
    for feed in ("customer", "accelerometer", "step_trainer"):
        scenario.land_text(feed, "{")
    assert not scenario.run(job="landing").success
    assert parsed(stedi("tables", "--json", home=scenario.home)) == []
    assert stedi("tables", home=scenario.home).exit_code == 0
    assert parsed(stedi("quarantine", "--json", home=scenario.home)) == []
    assert "0 of 0" in stedi("quarantine", home=scenario.home).stderr


def test_a_relative_home_is_found_from_its_folder(stedi, world, monkeypatch):
    monkeypatch.chdir(world.folder)
    assert len(parsed(stedi("tables", "--json", home=Path("home")))) == len(TABLES)
