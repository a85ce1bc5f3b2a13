"""Which tables can be opened, by whom, and what is made of it: nothing."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from stedi_dagster import data
from stedi_dagster.contracts import RESTRICTED, TABLES, Erasures, LandedFiles, Participants, Quarantine
from stedi_dagster.errors import OriginError, SettingsError, StediError
from stedi_dagster.lakehouse.catalog import open_read_only
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster_tests.data.builders import NAME, measured, publish, table_of, tree


def test_the_tables_that_are_published_have_their_names(lake, opened):
    publish(lake, measured(1.0))
    publish(lake, [], name="step_trainer_trusted")
    table_of(lake, "customer_trusted")
    assert opened().names() == [NAME, "step_trainer_trusted"]
    assert "sqlite" in repr(opened())


def test_every_table_of_the_product_can_be_read(lake, opened):
    for name in TABLES:
        publish(lake, [], name=name)
    assert opened().names() == sorted(TABLES)
    assert {name: list(opened().table(name).schema) for name in TABLES} == {
        name: contract.names() for name, contract in TABLES.items()
    }


@pytest.mark.parametrize("name", [*RESTRICTED, "quarantine", "landed_files", "nobody_has_made_it"])
def test_what_is_for_operators_is_refused_like_what_there_is_not(lake, opened, name):
    for contract in (Participants, Quarantine, LandedFiles, Erasures):
        lake.ensure_table(name if contract.table() in name else contract.table(), contract)
    publish(lake, measured(1.0))
    with pytest.raises(StediError, match=f"There is no table '{name}' to read: there are {NAME}. What operators alone"):
        opened().table(name)


def test_a_table_of_somebody_else_in_the_database_is_not_of_the_product(lake, opened):
    published = table_of(lake)
    lake.catalog.create_table((lake.database, "theirs"), published.schema())
    assert opened().names() == []
    with pytest.raises(StediError, match="There is no table 'theirs' to read: there are none yet"):
        opened().table("theirs")


def test_a_table_that_was_never_published_is_no_empty_one(lake, opened):
    table_of(lake)
    with pytest.raises(StediError, match="has not been published yet: run `stedi run`"):
        opened().table(NAME)


def test_reading_leaves_every_file_as_it_was(lake, opened):
    publish(lake, measured(1.0))
    publish(lake, measured(2.0))
    before = tree(lake.home)
    reading = opened().table(NAME, columns=["x"], where="x > 0")
    assert reading.to_arrow().to_pydict() == {"x": [2.0]}
    assert reading.rows == len(list(reading.to_batches())) == 1
    assert opened().names() == [NAME]
    assert tree(lake.home) == before


def test_the_catalog_itself_is_opened_so_that_it_cannot_be_written(lake):
    publish(lake, measured(1.0))
    catalog = open_read_only("sqlite", lake.home, lake.warehouse, lake.database)
    with pytest.raises(OperationalError, match="attempt to write a readonly database"):
        catalog.create_namespace("other")


def test_whoever_may_only_read_the_files_can_read_the_tables(lake, opened):
    publish(lake, measured(1.0))
    for file in (lake.home / "catalog.db", lake.home):
        file.chmod(0o500)
    try:
        assert opened().table(NAME).rows == 1
    finally:
        for file in (lake.home, lake.home / "catalog.db"):
            file.chmod(0o700)


def test_no_lakehouse_is_made_where_there_is_none(tmp_path):
    with pytest.raises(StediError, match=r"There is no lakehouse in .*nowhere.*STEDI_HOME.*`stedi run`"):
        data.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StediError, match=r"it holds no catalog.db"):
        data.open(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty"]


def test_no_database_is_made_where_there_is_none(lake):
    publish(lake, measured(1.0))
    before = tree(lake.home)
    with pytest.raises(StediError, match=r"There is no lakehouse in the database other .*STEDI_DATABASE"):
        data.open(lake.home, database="other")
    assert tree(lake.home) == before


def test_an_empty_or_a_damaged_catalog_is_named(tmp_path):
    catalog = tmp_path / "catalog.db"
    sqlite3.connect(catalog).close()
    catalog.touch()
    with pytest.raises(StediError, match=r"The catalog .* cannot be used now: no such table"):
        data.open(tmp_path)
    catalog.write_bytes(b"no database at all" * 100)
    with pytest.raises(OriginError, match="is damaged"):
        data.open(tmp_path)


def test_a_metadata_file_that_is_gone_is_named(lake, opened):
    publish(lake, measured(1.0))
    Path(table_of(lake).metadata_location).unlink()
    with pytest.raises(OriginError, match=r"metadata file of stedi.machine_learning_curated .* is gone"):
        opened().table(NAME)


def test_without_arguments_the_settings_say_where(lake, monkeypatch):
    publish(lake, measured(1.0))
    monkeypatch.setenv("STEDI_HOME", str(lake.home))
    assert data.open().names() == [NAME]


def test_a_home_is_of_a_lakehouse_on_this_machine_whatever_the_settings_say(lake, monkeypatch):
    publish(lake, measured(1.0))
    monkeypatch.setenv("STEDI_CATALOG", "glue")
    monkeypatch.setenv("STEDI_WAREHOUSE", "s3://somewhere/else")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert data.open(lake.home, warehouse=lake.warehouse).names() == [NAME]


def test_what_is_given_is_checked_like_a_setting():
    with pytest.raises(SettingsError, match="STEDI_CATALOG='hive' is not allowed"):
        data.open(catalog="hive")
    with pytest.raises(SettingsError, match="needs STEDI_WAREHOUSE to be s3://bucket/prefix"):
        data.open(catalog="glue")


@pytest.mark.parametrize("folder", ["a b", "it's", "100 %41", "ünï", "a#b", "a&b=c"])
def test_a_lakehouse_is_found_in_a_folder_of_any_name(tmp_path, folder):
    lake = Lakehouse(tmp_path / folder, str(tmp_path / folder / "warehouse"))
    publish(lake, measured(1.0))
    assert data.open(lake.home).table(NAME).rows == 1
