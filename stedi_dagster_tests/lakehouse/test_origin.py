"""Whose a warehouse is: a catalog that does not know it, or knows it wrongly, is refused, and nothing is touched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from stedi_dagster.contracts import CustomerTrusted
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.origin.identity import NAME, PROPERTY
from stedi_dagster_tests.lakehouse.builders import (
    everything,
    opened,
    people,
    published,
    published_rows,
    table_of,
    writing,
    written,
)


def refused(lake: Lakehouse) -> str:
    """How it is refused; nothing in the warehouse is touched."""
    before = everything(lake)
    with pytest.raises(OriginError) as error, writing(lake):
        pytest.fail("it was opened for writing")
    assert everything(lake) == before
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_new_warehouse_is_given_an_identity_that_its_tables_share(lake):
    again = written(lake)
    identity = json.loads((Path(lake.warehouse) / NAME).read_text())
    assert table_of(again).properties[PROPERTY] == identity["lakehouse"]
    assert (identity["database"], identity["catalog"], identity["ledger"]) == ("stedi", "sqlite", False)
    before = everything(lake)
    with writing(again):
        assert published_rows(again) == people("bob")
    assert everything(lake) == before


def second_home(lake: Lakehouse) -> Lakehouse:
    return opened(lake, home=lake.home.with_name("second"))


def catalog_lost(lake: Lakehouse) -> Lakehouse:
    (lake.home / "catalog.db").unlink()
    return opened(lake)


def catalog_emptied(lake: Lakehouse) -> Lakehouse:
    (lake.home / "catalog.db").write_bytes(b"")
    return opened(lake)


def identity_lost_too(lake: Lakehouse) -> Lakehouse:
    (Path(lake.warehouse) / NAME).unlink()
    return catalog_lost(lake)


def a_table_dropped(lake: Lakehouse) -> Lakehouse:
    with writing(lake):
        lake.ensure_table("customer_trusted", CustomerTrusted)
    lake.catalog.drop_table(("stedi_restricted", "participants"))
    return opened(lake)


@pytest.mark.parametrize("happens", [second_home, catalog_lost, catalog_emptied, identity_lost_too, a_table_dropped])
def test_a_catalog_that_does_not_know_the_tables_in_the_warehouse_is_refused(lake, happens):
    told = refused(happens(written(lake)))
    assert "does not know: participants" in told
    assert "`stedi adopt`" in told


def restored(lake: Lakehouse, change: Callable[[], object]) -> None:
    """The catalog is as it was before a change."""
    shutil.copy(lake.home / "catalog.db", lake.home / "backup")
    change()
    shutil.copy(lake.home / "backup", lake.home / "catalog.db")


def test_a_catalog_older_than_its_warehouse_is_refused(lake):
    lake = written(lake)
    restored(lake, lambda: published(lake, "cid"))
    told = refused(opened(lake))
    assert "holds a newer stedi_restricted.participants" in told
    assert "`stedi adopt`" in told


def test_of_two_copies_of_a_home_the_one_that_published_last_goes_on(lake):
    lake = written(lake)
    copy = lake.home.with_name("copy")
    shutil.copytree(lake.home, copy)
    published(opened(lake, home=copy), "cid")
    assert "holds a newer" in refused(opened(lake))
    with writing(opened(lake, home=copy)):
        pass


@pytest.mark.parametrize(("damage", "says"), [(Path.unlink, "gone"), (lambda path: path.write_text("{"), "damaged")])
def test_a_metadata_file_that_cannot_be_read_is_one_sentence(lake, damage, says):
    lake = written(lake)
    damage(Path(table_of(lake).metadata_location))
    told = refused(opened(lake))
    assert f"that the catalog names is {says}" in told
    assert "`stedi adopt`" in told


def test_a_warehouse_of_a_release_without_identities_is_given_one(lake):
    lake = written(lake)
    (Path(lake.warehouse) / NAME).unlink()
    with table_of(lake).transaction() as transaction:
        transaction.remove_properties(PROPERTY)
    older = table_of(lake).current_snapshot()
    lake = opened(lake)
    with writing(lake):
        table = table_of(lake)
    assert table.properties[PROPERTY] == json.loads((Path(lake.warehouse) / NAME).read_text())["lakehouse"]
    assert table.current_snapshot() == older
    assert published_rows(lake) == people("bob")


def test_the_identity_file_alone_is_made_anew_from_the_tables(lake):
    lake = written(lake)
    number = json.loads((Path(lake.warehouse) / NAME).read_text())["lakehouse"]
    (Path(lake.warehouse) / NAME).unlink()
    with writing(opened(lake)):
        assert json.loads((Path(lake.warehouse) / NAME).read_text())["lakehouse"] == number


def test_tables_of_another_lakehouse_are_refused(lake):
    lake = written(lake)
    file = Path(lake.warehouse) / NAME
    file.write_text(json.dumps(json.loads(file.read_text()) | {"lakehouse": "another"}))
    assert "another" in refused(opened(lake))


def test_another_database_or_warehouse_than_that_of_the_tables_is_refused(lake):
    lake = written(lake)
    assert "is that of the database stedi" in refused(opened(lake, database="balance"))
    elsewhere = opened(lake, warehouse=str(lake.home / "elsewhere"))
    assert "not in the warehouse" in refused(elsewhere)
    assert not Path(elsewhere.warehouse).exists()


def test_a_warehouse_may_be_reached_by_a_link(lake):
    lake = written(lake)
    link = lake.home / "link"
    link.symlink_to(lake.warehouse)
    with writing(opened(lake, warehouse=str(link))):
        pass


@pytest.mark.parametrize(("place", "where"), [("stedi/inner", "within"), ("..", "around")])
def test_no_warehouse_lies_within_another(lake, place, where):
    lake = written(lake)
    other = opened(lake, home=lake.home / "other", warehouse=str((Path(lake.warehouse) / place).resolve()))
    with pytest.raises(OriginError, match=where), writing(other):
        pytest.fail("it was opened")


def test_a_damaged_identity_is_refused(lake):
    lake = written(lake)
    (Path(lake.warehouse) / NAME).write_text("{")
    assert "damaged" in refused(opened(lake))


def test_somebody_elses_table_is_left_alone(lake):
    lake = opened(written(lake), retention_days=0)
    schema = Schema(NestedField(1, "n", LongType(), required=False))
    theirs = lake.catalog.create_table("stedi.ours_by_hand", schema)
    for numbers in ([1], [2]):
        theirs.overwrite(pa.table({"n": numbers}))
    Path(theirs.location(), "data", "uncommitted.parquet").write_bytes(b"PAR1")
    before = {path: content for path, content in everything(lake).items() if "ours_by_hand" in path}
    with writing(lake):
        assert [table.name()[-1] for table in lake.own_tables()] == ["participants"]
        for table in lake.own_tables():
            lake.expire(table)
    assert {path: content for path, content in everything(lake).items() if "ours_by_hand" in path} == before
