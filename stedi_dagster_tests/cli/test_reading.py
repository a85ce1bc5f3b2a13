"""`stedi tables`, `stedi quarantine`, `stedi sql`: what is published, for people and for scripts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.command import parsed
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


@pytest.mark.parametrize(
    "query",
    ["-- How many?\nSELECT 1 AS n", "--\nSELECT 1 AS n", "-- a = b\nSELECT 1 AS n", "/* -- */ SELECT 1 AS n -- one"],
)
def test_a_query_may_begin_with_a_comment(stedi, world, query):
    assert parsed(stedi("sql", query, "--json", home=world.home)) == [{"n": 1}]
    assert parsed(stedi("sql", "--json", query, home=world.home)) == [{"n": 1}]


def test_an_option_that_is_none_is_still_refused(stedi, world):
    assert stedi("sql", "--jsn", "SELECT 1", home=world.home).exit_code == 2
    assert "No such option" in stedi("sql", "--jsn", "SELECT 1", home=world.home).stderr


@pytest.mark.parametrize("query", ["", "  \n", ";", "-- only a comment", "/* nothing */ ;;"])
def test_a_query_that_asks_nothing_is_refused(stedi, world, query):
    result = stedi("sql", query, home=world.home)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "stedi: The query is empty: it holds no statement.\n"


@pytest.mark.parametrize("file", ["gone.sql", "Gone With Blanks.SQL", "sql/gone", "/nowhere/gone.sql", "./gone"])
def test_a_file_that_is_missing_is_told_as_one(stedi, world, file):
    result = stedi("sql", file, home=world.home)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"stedi: {file} is no such file: ")


def test_a_folder_is_told_as_one(stedi, world):
    assert f"stedi: {world.folder} is a folder: " in stedi("sql", str(world.folder), home=world.home).stderr


def test_a_division_is_no_file(stedi, world):
    assert parsed(stedi("sql", "SELECT 4/2 AS n", "--json", home=world.home)) == [{"n": 2}]


def test_what_each_of_several_statements_gives_is_shown(stedi, world):
    query = "SELECT 1 AS first; CREATE TEMP TABLE t AS SELECT 2 AS second; SELECT * FROM t; -- the end"
    result = stedi("sql", query, home=world.home)
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["first", "1", "second", "2"]
    result = stedi("sql", query, "--json", home=world.home)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds 3 statements" in result.stderr


def test_a_whole_table_is_printed_without_laying_out_every_cell(stedi, world, monkeypatch):
    monkeypatch.setattr("stedi_dagster.cli.grid.Grid", None)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    query = "SELECT range AS number, 'ä' || range AS word, NULL AS nothing FROM range(3000)"
    lines = stedi("sql", query, home=world.home).stdout.splitlines()
    assert len(lines) == 3001
    assert lines[:2] == ["number word  nothing", "     0 ä0"]
    assert lines[-1] == "  2999 ä2999"


def test_what_would_steer_a_terminal_is_shown_and_not_done(stedi, world):
    result = stedi("sql", "SELECT 'a' || chr(27) || '[2J' || chr(10) || 'b' || chr(155) AS text", home=world.home)
    assert result.stdout == "text\na\\x1b[2J\\nb\\x9b\n"


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


def test_of_feeds_that_were_refused_the_quarantine_is_there_though_no_table_is(stedi, tmp_path):
    scenario = Scenario(tmp_path, {"max_bad_share": 0})
    for feed in ("customer", "accelerometer", "step_trainer"):
        scenario.land_text(feed, "{")
    assert not scenario.run(job="landing").success
    assert parsed(stedi("tables", "--json", home=scenario.home)) == []
    told = stedi("tables", home=scenario.home)
    assert (told.exit_code, told.stdout) == (0, "")
    assert told.stderr.startswith("Nothing is published yet: run `stedi run`")
    assert {row["raw"] for row in parsed(stedi("quarantine", "--json", home=scenario.home))} == {"{"}
    assert "3 of 3" in stedi("quarantine", home=scenario.home).stderr


def test_a_relative_home_is_found_from_its_folder(stedi, world, monkeypatch):
    monkeypatch.chdir(world.folder)
    assert len(parsed(stedi("tables", "--json", home=Path("home")))) == len(TABLES)
