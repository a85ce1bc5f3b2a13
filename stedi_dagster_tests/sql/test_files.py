"""Every file in sql/: Athena's dialect throughout, and nothing in it that the two engines understand differently."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from stedi_dagster.contracts import PUBLISHED, TABLES
from stedi_dagster.keys import stored
from stedi_dagster.lakehouse.query import connect
from stedi_dagster.landing.feeds import DERIVED, FEEDS
from stedi_dagster.sql.library import SQL
from stedi_dagster.sql.texts import parse, render_for_athena, render_for_duckdb
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.sql.worlds import FILES, ask, everybody

QUERIES = [file for file in FILES if file.parent.name in {"explore", "verify"}]
LANDING = [file for file in FILES if file.parent.name == "landing"]
PARAMETERS = {"bucket": "some-bucket", "prefix": "some/prefix"}
OURS = {"matching_key"}


def name(file: Path) -> str:
    return str(file.relative_to(SQL))


every_file = pytest.mark.parametrize("file", FILES, ids=name)
every_query = pytest.mark.parametrize("file", QUERIES, ids=name)
every_ddl = pytest.mark.parametrize("file", LANDING, ids=name)


def on_athena(file: Path, tmp_path: Path) -> str:
    chosen = PARAMETERS if file.parent.name == "landing" else {}
    return render_for_athena(parse(file.read_text(encoding="utf-8")), Scenario(tmp_path).load_settings(), chosen)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    scenario = everybody(tmp_path_factory.mktemp("world"), engine=sail_url)
    scenario.land_text("customer", "{", name="broken.json")
    assert scenario.run().success
    return scenario


def test_the_files_are_those_that_were_asked_for() -> None:
    assert {file.name for file in LANDING} == {
        f"{feed}_landing.sql" for feed in ("customer", "accelerometer", "step_trainer")
    }
    assert {file.parent.name for file in FILES} == {"landing", "verify", "explore", "views", "functions"}


@every_file
def test_a_file_is_one_statement_of_athenas_dialect_and_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    [statement] = sqlglot.parse(text, read="athena")
    assert isinstance(statement, exp.Query | exp.Create)


@every_file
def test_names_that_mean_something_to_an_engine_are_quoted(file: Path) -> None:
    tree = parse(file.read_text(encoding="utf-8"))
    for identifier in tree.find_all(exp.Identifier):
        if identifier.name.lower() in {"user", "timestamp", "rows"}:
            assert identifier.quoted
    assert not list(tree.find_all(exp.CurrentUser))


@every_file
def test_divisions_are_of_doubles(file: Path) -> None:
    # 1 / 2 is 0 on Athena and 0.5 in DuckDB.
    for division in parse(file.read_text(encoding="utf-8")).find_all(exp.Div):
        assert any("e" in literal.name.lower() for literal in division.find_all(exp.Literal)), division.sql()


@every_file
def test_nothing_depends_on_a_time_zone_or_on_what_date_diff_counts(file: Path) -> None:
    tree = parse(file.read_text(encoding="utf-8"))
    assert not list(tree.find_all(exp.UnixToTime, exp.DateDiff, exp.CurrentTimestamp, exp.CurrentDate))


@every_query
def test_a_query_runs_here_and_its_columns_are_named_as_athena_names_them(world: Scenario, file: Path) -> None:
    text = render_for_duckdb(parse(file.read_text(encoding="utf-8")), world.load_settings())
    with connect(world.lakehouse()) as connection:
        relation = connection.sql(text)
        rows, columns = relation.fetchall(), relation.columns
    assert [column.lower() for column in columns] == columns
    # No release was made.
    assert bool(rows) == (file.parent.name == "explore" and file.stem not in {"releases", "exports"})


@every_query
def test_on_athena_every_table_has_its_database_and_no_function_or_parameter_of_ours_is_left(
    file: Path, tmp_path: Path
) -> None:
    tree = parse(on_athena(file, tmp_path))
    assert not list(tree.find_all(exp.Placeholder))
    assert OURS.isdisjoint(call.name.lower() for call in tree.find_all(exp.Anonymous))
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.name in defined:
            assert not table.db
        elif table.db != "information_schema":
            assert table.db == ("stedi" if table.name in PUBLISHED else "stedi_restricted")


def test_counts_are_of_the_eight_tables(world: Scenario) -> None:
    counted = ask(world, "explore/counts.sql")
    assert [name.split()[1] for name, _ in counted] == list(TABLES)
    assert [rows for _, rows in counted] == [len(world.rows(table)) for table in TABLES]


def test_answers_about_consent(world: Scenario) -> None:
    assert [total for _, total in ask(world, "explore/consent_funnel.sql")] == [17, 14, 9, 9, 9, 7, 7]
    # Fay withdrew, Ned may have; Jan and Kim said both, which counts as a refusal.
    assert ask(world, "explore/consent_changes.sql") == [(14, 13, 9, 4)]
    # Of one of Kim's two records the age is unknown, of Leo's only one, too.
    assert ask(world, "explore/ages.sql") == [(50, 12, 7), (220, 1, 1), (None, 2, 1)]


def test_answers_about_readings(world: Scenario) -> None:
    assert ask(world, "explore/used.sql") == [("accelerometer", 29, 18, 62.1), ("step_trainer", 27, 14, 51.9)]
    assert {row[1:4] for row in ask(world, "explore/participants.sql")} == {(2, 2, 8.0)}
    assert ask(world, "explore/quarantine.sql") == [
        ("customer", "phone has the wrong type", 2, 1),
        ("customer", "not JSON", 1, 1),
    ]


@every_ddl
def test_a_raw_table_has_the_contracts_raw_columns_and_a_name_of_its_own(file: Path) -> None:
    contract = TABLES[file.stem]
    create = parse(file.read_text(encoding="utf-8"))
    columns = {column.name: column.args["kind"].sql("hive").lower() for column in create.find_all(exp.ColumnDef)}
    assert columns == {c.name: c.type.simpleString() for c in contract.columns() if c.name not in DERIVED}
    [table] = create.find_all(exp.Table)
    assert table.name == f"raw_{FEEDS[file.stem].name}"
    assert table.name not in TABLES


@every_ddl
def test_a_raw_table_reads_its_feed_with_the_openx_serde(file: Path, tmp_path: Path) -> None:
    text = on_athena(file, tmp_path)
    feed = FEEDS[file.stem]
    assert text.startswith(f"CREATE EXTERNAL TABLE IF NOT EXISTS stedi_restricted.raw_{feed.name} (")
    assert "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'" in text
    assert f"LOCATION 's3://some-bucket/some/prefix/{feed.folder}/'" in text
    assert "$" not in text


@every_ddl
def test_a_raw_tables_columns_fit_the_raw_files(world: Scenario, file: Path) -> None:
    create = parse(file.read_text(encoding="utf-8"))
    columns = {column.name: column.args["kind"].sql("duckdb") for column in create.find_all(exp.ColumnDef)}
    folder = world.landing / FEEDS[file.stem].folder
    with connect(world.lakehouse()) as connection:
        # As the SerDe reads: an object a line, the declared columns, a line that is no JSON as a row of nulls.
        paths: Any = [str(path) for path in folder.iterdir() if path.name != "unreadable.json"]
        raw = connection.read_json(paths, columns=columns, format="newline_delimited", ignore_errors=True)
        raw.create_view("raw")
        listed = ", ".join(f'"{column}"' for column in columns)
        landed = connection.execute(f"SELECT {listed} FROM {file.stem}").fetchall()
        read = connection.execute(f"SELECT {listed} FROM raw").fetchall()
    # Landing stores what names a person or a device, where it is not ASCII, by its key.
    keyed = [column in {"email", "user", "serialNumber"} for column in columns]
    as_stored = [
        tuple(stored(value) if key and value is not None else value for key, value in zip(keyed, row, strict=True))
        for row in read
    ]
    assert landed
    assert Counter(landed) - Counter(as_stored) == Counter()
