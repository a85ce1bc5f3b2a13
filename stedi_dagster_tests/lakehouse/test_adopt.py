"""Adopting: each table with its newest metadata that can be read, and nothing lost without a word."""

import json
import os
from pathlib import Path

import pytest

from stedi_dagster.contracts import Erasures, MachineLearningCurated
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.adopt import AdoptedTable, adopt
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.origin.identity import NAME
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


def lost(lake: Lakehouse) -> Lakehouse:
    """Its catalog is lost, and another one is to have the tables."""
    (lake.home / "catalog.db").unlink()
    return opened(lake)


def adopted(lake: Lakehouse, *, accept_loss: bool = False, really: bool = True) -> dict[str, AdoptedTable]:
    with lake.holding.held("a test", timeout=0, waiting=print):
        return {table.table: table for table in adopt(lake, accept_loss=accept_loss, really=really)}


def test_what_is_adopted_is_what_was_published_last(lake):
    lake = written(lake)
    was = table_of(lake).metadata_location
    # The files' times say the opposite.
    for file in Path(lake.warehouse).rglob("*.metadata.json"):
        os.utime(file, (0, 0) if str(file) == was else None)
    lake = lost(lake)
    assert adopted(lake) == {"participants": AdoptedTable("participants", was, 1, None)}
    with writing(opened(lake)):
        assert published_rows(lake) == people("bob")
        published(lake, "cid")
    assert published_rows(lake) == people("cid")


def test_a_dry_run_changes_nothing(lake):
    lake = lost(written(lake))
    before = everything(lake)
    assert list(adopted(lake, really=False)) == ["participants"]
    assert everything(lake) == before
    with pytest.raises(OriginError), writing(lake):
        pass


def test_the_former_catalog_is_refused_once_the_new_one_has_published(lake):
    former = written(lake)
    new = opened(former, home=lake.home.with_name("new"))
    adopted(new)
    with writing(new):
        published(new, "cid")
    with pytest.raises(OriginError, match="holds a newer"), writing(opened(former)):
        pass


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:100])])
def test_of_damaged_metadata_the_newest_that_can_be_read_is_adopted_if_the_loss_is_accepted(lake, damage):
    lake = written(lake)
    damage(Path(table_of(lake).metadata_location))
    lake = opened(lake)
    with pytest.raises(OriginError, match="participants"):
        adopted(lake)
    assert adopted(lake, accept_loss=True)["participants"].lost or damage is Path.unlink
    with writing(opened(lake)):
        assert published_rows(lake) == people("ann")
        published(lake, "cid")
    with writing(opened(lake)):
        assert published_rows(lake) == people("cid")


def test_metadata_whose_rows_are_gone_is_passed_over(lake):
    lake = written(lake)
    [newest] = [task.file.file_path for task in table_of(lake).scan().plan_files()]
    Path(newest).unlink()
    lake = lost(lake)
    assert "whose files are gone" in str(adopted(lake, really=False)["participants"].lost)
    adopted(lake, accept_loss=True)
    with writing(opened(lake)):
        assert published_rows(lake) == people("ann")


def test_a_table_of_which_nothing_can_be_read_is_made_anew_beside_its_files(lake):
    lake = written(lake)
    for file in Path(lake.warehouse).rglob("*.metadata.json"):
        file.write_text("?")
    before = everything(lake)
    lake = lost(lake)
    with pytest.raises(OriginError, match="participants"):
        adopted(lake)
    assert "all of it" in str(adopted(lake, accept_loss=True)["participants"].lost)
    assert before.items() - {(NAME, before[NAME])} <= everything(lake).items()
    with writing(opened(lake)):
        assert published_rows(lake) == []


def test_a_ledger_that_cannot_be_found_is_not_done_without(lake):
    lake = written(lake)
    with writing(lake):
        lake.ensure_table(Erasures.table(), Erasures)
    with writing(opened(lake)):
        pass
    assert json.loads((Path(lake.warehouse) / NAME).read_text())["ledger"] is True
    folder = Path(lake.location_of(Erasures.table()))
    folder.rename(lake.home / "away")
    lake = lost(lake)
    with pytest.raises(OriginError, match=r"erasures.*may come back.*--accept-loss"):
        adopted(lake)
    (lake.home / "away").rename(folder)
    assert set(adopted(lake)) == {"participants", "erasures"}


def test_participants_that_cannot_be_found_are_not_done_without(lake):
    lake = written(lake)
    with writing(lake):
        lake.ensure_table("machine_learning_curated", MachineLearningCurated)
    Path(lake.location_of("participants")).rename(lake.home / "away")
    with pytest.raises(OriginError, match=r"participants.*--accept-loss"):
        adopted(lost(lake))


def test_where_no_table_is_there_is_nothing_to_adopt(lake):
    with pytest.raises(OriginError, match="holds no table"):
        adopted(lake)
