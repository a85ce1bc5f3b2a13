"""Sweeping: everything that no snapshot leads to goes, everything that one leads to stays."""

import shutil
from pathlib import Path

import pytest

from stedi_dagster.contracts import Participants
from stedi_dagster.lakehouse import orphans
from stedi_dagster.lakehouse.orphans import reachable_files, sweep
from stedi_dagster.lakehouse.staging import Staging
from stedi_dagster_tests.lakehouse.builders import (
    files_of,
    people,
    prepare,
    publish,
    published_rows,
    table_of,
    unpacked,
)


@pytest.fixture
def history(lake) -> dict[int, list[tuple[str, str]]]:
    """A table with snapshots of every kind, and what each holds."""
    return {
        publish(lake, *names).snapshot_id: people(*names)
        for names in (("ann",), ("ann", "bob"), (), ("cid",), (), ("dora",))
    }


def kill_while_staging(lake) -> None:
    staging = Staging(Participants, table_of(lake).location(), lake.storage)
    staging.write_rows(people("half"))
    engine = Path(staging.folder) / "engine" / "_temporary" / "0"
    engine.mkdir(parents=True)
    (engine / "part-0.parquet").write_bytes(b"PAR1 and no more")
    (engine.parent.parent / ".part-0.parquet.crc").touch()


def kill_before_the_commit(lake) -> None:
    table = table_of(lake)
    staging = Staging(Participants, table.location(), lake.storage)
    staging.write_rows(people("half"))
    assert lake.prepare(table, staging.content(), "half", {}).snapshot_id


def kill_within_the_commit(lake) -> None:
    """The new metadata file is written, the catalog does not know it."""
    kill_before_the_commit(lake)
    current = Path(table_of(lake).metadata_location)
    shutil.copy(current, current.with_name("00099-6fbd5f3a-5c0a-4a4e-8a0c-5d0b3c9d6d11.metadata.json"))


KILLS = [kill_while_staging, kill_before_the_commit, kill_within_the_commit]


@pytest.mark.parametrize("kill", KILLS)
def test_what_a_killed_run_leaves_is_removed_and_nothing_else(lake, history, kill):
    before = files_of(lake)
    kill(lake)
    left = files_of(lake) - before
    assert left
    assert sweep(table_of(lake), lake.storage) == len(left)
    assert files_of(lake) == before
    for snapshot_id, rows in history.items():
        assert published_rows(lake, snapshot_id) == rows


@pytest.mark.parametrize("kill", KILLS)
def test_a_table_that_was_never_published_is_swept_too(lake, kill):
    table_of(lake)
    before = files_of(lake)
    kill(lake)
    assert sweep(table_of(lake), lake.storage)
    assert files_of(lake) == before


@pytest.mark.parametrize("kill", KILLS)
def test_staging_sweeps_first(lake, history, kill):
    before = files_of(lake)
    kill(lake)
    lake.stage(table_of(lake), Participants)
    assert files_of(lake) == before


@pytest.mark.parametrize("kill", KILLS)
def test_finding_a_table_unchanged_sweeps_too(lake, kill):
    publish(lake, "ann", inputs="same")
    before = files_of(lake)
    kill(lake)
    assert lake.unchanged(table_of(lake), Participants, "same") is not None
    assert files_of(lake) == before


def test_many_killed_runs_are_swept_at_once(lake, history):
    before = files_of(lake)
    for kill in KILLS * 2:
        kill(lake)
    sweep(table_of(lake), lake.storage)
    assert files_of(lake) == before
    assert before == reachable_files(table_of(lake))


def test_no_empty_folders_stay_behind(lake, history):
    kill_while_staging(lake)
    sweep(table_of(lake), lake.storage)
    folders = [path for path in Path(table_of(lake).location()).rglob("*") if path.is_dir()]
    assert all(any(folder.iterdir()) for folder in folders)


def test_the_metadata_file_alone_explains_exactly_the_files_that_manifests_lead_to(lake, history):
    for kill in KILLS:
        kill(lake)
    table = table_of(lake)
    explained = {path for path in files_of(lake) if orphans._is_explained(path, *orphans._explanations(table))}
    assert explained == reachable_files(table) & files_of(lake)


def test_a_clean_table_is_swept_without_reading_a_manifest(lake, history, monkeypatch):
    def fail(_table):
        raise AssertionError("manifests are read")

    monkeypatch.setattr(orphans, "reachable_files", fail)
    assert sweep(table_of(lake), lake.storage) == 0


def test_unusual_names_of_folders_confuse_nothing(tmp_path):
    from stedi_dagster.lakehouse.lakehouse import Lakehouse

    warehouse = tmp_path / "metadata" / "snap-1" / "data" / "it's 100 %41"
    lake = Lakehouse(tmp_path / "home", str(warehouse))
    publish(lake, "ann")
    publish(lake, "bob")
    before = files_of(lake)
    for kill in KILLS:
        kill(lake)
    sweep(table_of(lake), lake.storage)
    assert files_of(lake) == before
    assert published_rows(lake) == people("bob")


def test_the_metadata_files_that_the_log_forgets_are_removed(lake):
    table = table_of(lake)
    with table.transaction() as transaction:
        transaction.set_properties({"write.metadata.previous-versions-max": "2"})
    for name in ("ann", "bob", "cid", "dora"):
        publish(lake, name)
    sweep(table_of(lake), lake.storage)
    metadata = {path for path in files_of(lake) if path.endswith(".metadata.json")}
    assert len(metadata) == 3
    assert published_rows(lake) == people("dora")


def test_metadata_and_manifests_hold_no_address(lake):
    """Bounds of a column would be the least and the greatest address."""
    publish(lake, "aaa-distinctive", "zzz-distinctive")
    publish(lake, "mmm-distinctive")
    assert prepare(lake, "nnn-distinctive").snapshot_id
    metadata = [Path(path) for path in files_of(lake) if "/metadata/" in path]
    assert {path.suffix for path in metadata} == {".avro", ".json"}
    everything = b"".join(unpacked(path) for path in metadata)
    assert b"-distinctive" not in everything.replace(b"number of", b"")
    # What is read so is really there: the files' names, and the bounds of the column that is not personal.
    assert b"part-00001.parquet" in everything
    assert b"number of" in everything
