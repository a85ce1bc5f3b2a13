"""Published tables as DuckDB views: each by its name, empty ones too, wherever they are."""

import duckdb
import pytest

from stedi_dagster.contracts import (
    TABLES,
    CustomerLanding,
    Participants,
    Quarantine,
    StepTrainerLanding,
    StepTrainerTrusted,
)
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.query import connect, pinned
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster_tests.lakehouse.builders import people, publish, table_of


def publish_rows(lake, name, contract, *rows) -> None:
    table = lake.ensure_table(name, contract)
    staged = lake.stage(table, contract)
    staged.write_rows(rows)
    lake.prepare(table, staged.files(), SnapshotSummary(inputs="inputs")).publish()


def unreadable(file: str, position: int = 0) -> tuple[object, ...]:
    return (file, 1, position, "not JSON", "{", None, None, None)


def test_every_published_table_is_a_view_with_the_contracts_columns(lake):
    for name, contract in TABLES.items():
        publish_rows(lake, name, contract)
    with connect(lake) as connection:
        for name, contract in TABLES.items():
            relation = connection.sql(f'SELECT * FROM "{name}"')
            assert relation.columns == contract.names()
            assert relation.fetchall() == []


def test_empty_tables_have_the_types_of_filled_ones(lake):
    row = ("Ann", "ann@example.com", None, None, None, "s-1", 1, None, None, None, None)
    publish_rows(lake, "customer_landing", CustomerLanding)
    with connect(lake) as connection:
        empty = connection.sql("SELECT * FROM customer_landing").types
    publish_rows(lake, "customer_landing", CustomerLanding, row)
    with connect(lake) as connection:
        assert connection.sql("SELECT * FROM customer_landing").types == empty
        assert connection.sql("SELECT * FROM customer_landing").fetchall() == [row]


def test_what_was_published_before_its_contract_had_a_column_has_a_null_for_it(lake):
    publish_rows(lake, "step_trainer_trusted", StepTrainerLanding, (1, "s-1", 218))
    with connect(lake) as connection:
        relation = connection.sql("SELECT * FROM step_trainer_trusted")
        assert relation.columns == StepTrainerTrusted.names()
        assert relation.fetchall() == [(1, "s-1", 218, None)]
        assert str(relation.types[-1]) == "VARCHAR"


def test_only_what_is_published_now_is_seen(lake):
    publish(lake, "ann", "bob")
    publish(lake, "cid")
    with connect(lake) as connection:
        assert connection.sql("SELECT * FROM participants").fetchall() == people("cid")


def test_a_table_that_was_never_published_is_no_view(lake):
    table_of(lake)
    assert pinned(lake) == {}
    with connect(lake) as connection, pytest.raises(duckdb.CatalogException):
        connection.sql("SELECT * FROM participants")


def test_the_quarantines_of_all_feeds_are_one_view(lake):
    publish_rows(lake, "customer_quarantine", Quarantine, unreadable("c.json"), unreadable("c.json", 7))
    publish_rows(lake, "step_trainer_quarantine", Quarantine, unreadable("s.json"))
    publish_rows(lake, "accelerometer_quarantine", Quarantine)
    with connect(lake) as connection:
        found = connection.sql("SELECT feed, file, position FROM quarantine ORDER BY ALL").fetchall()
        assert found == [("customer", "c.json", 0), ("customer", "c.json", 7), ("step_trainer", "s.json", 0)]
        assert connection.sql("SELECT * FROM quarantine").columns == ["feed", *Quarantine.names()]


def test_an_empty_lakehouse_has_an_empty_quarantine_no_erasures_no_releases_and_nothing_else(lake):
    views = ["erasures", "landed_files", "ml_release", "quarantine", "release_exports", "release_revisions"]
    with connect(lake) as connection:
        assert [name for (name,) in connection.sql("SHOW TABLES").fetchall()] == views
        for name in views:
            assert connection.sql(f"SELECT * FROM {name}").fetchall() == []


@pytest.mark.parametrize(
    ("statement", "needed"),
    [
        ('SELECT * FROM "participants"', {"participants"}),
        (
            "select count(*) from PARTICIPANTS p join main.customer_landing using (email)",
            {"participants", "customer_landing"},
        ),
        ("SELECT * FROM quarantine", {"customer_quarantine", "step_trainer_quarantine"}),
        ("SELECT * FROM step_trainer_quarantine", {"step_trainer_quarantine"}),
        ("SELECT 1", set()),
        ("SHOW TABLES", {"participants", "customer_landing", "customer_quarantine", "step_trainer_quarantine"}),
        (
            "SELECT table_name FROM information_schema.tables",
            {"participants", "customer_landing", "customer_quarantine", "step_trainer_quarantine"},
        ),
    ],
)
def test_a_statement_needs_the_tables_that_it_names_and_those_of_which_it_names_a_view(lake, statement, needed):
    publish(lake, "ann")
    publish_rows(lake, "customer_landing", CustomerLanding)
    for feed in ("customer", "step_trainer"):
        publish_rows(lake, f"{feed}_quarantine", Quarantine, unreadable(f"{feed}.json"))
    tables = pinned(lake, statement)
    assert tables.keys() == needed
    with connect(lake) as everything, connect(lake, tables) as connection:
        assert connection.sql(statement).fetchall() == everything.sql(statement).fetchall()


@pytest.mark.parametrize("folder", ["a b", "it's", 'say "x"', "100 %41", "ünï", "a*b", "[ab]", "{a,b}", "a?b", "a#b"])
def test_tables_are_found_in_folders_of_any_name(tmp_path, folder):
    lake = Lakehouse(tmp_path / folder, str(tmp_path / folder / "warehouse"))
    publish(lake, "ann")
    publish(lake, "bob")
    with connect(lake) as connection:
        assert connection.sql("SELECT * FROM participants").fetchall() == people("bob")
    assert (tmp_path / folder / "catalog.db").exists()


def test_participants_are_readable_by_their_contract_without_duckdb(lake):
    publish(lake, "ann")
    reading = lake.read("participants", Participants)
    assert reading is not None
    assert reading.files.rows == 1
