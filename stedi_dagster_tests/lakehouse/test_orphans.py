"""Sweeping: what a run is noted to have staged goes; what a snapshot leads to stays, and so does what nobody knows."""

from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy.orm import Session

from stedi_dagster.contracts import Participants
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.orphans import reachable_files, sweep
from stedi_dagster.lakehouse.summary import SnapshotSummary
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
    staged = lake.stage_beside(table_of(lake), Participants)
    staged.write_rows(people("half"))
    engine = Path(staged.folder) / "engine" / "_temporary" / "0"
    engine.mkdir(parents=True)
    (engine / "part-0.parquet").write_bytes(b"PAR1 and no more")
    (engine.parent.parent / ".part-0.parquet.crc").touch()


def kill_before_the_commit(lake) -> None:
    assert stage_a_commit(lake).snapshot_id


def stage_a_commit(lake) -> Commit:
    table = table_of(lake)
    staged = lake.stage_beside(table, Participants)
    staged.write_rows(people("half"))
    commit: Commit = lake.prepare(table, staged.files(), SnapshotSummary(inputs="half"))
    return commit


class Killed(BaseException):
    """As `kill -9`."""


def kill_within_the_commit(lake) -> None:
    """The new metadata file is written, the catalog does not know it."""

    def killed(_session: Session) -> None:
        raise Killed

    commit = stage_a_commit(lake)
    with patch.object(Session, "commit", killed), pytest.raises(Killed):
        commit.publish()


KILLS = [kill_while_staging, kill_before_the_commit, kill_within_the_commit]


@pytest.mark.parametrize("kill", KILLS)
def test_what_a_killed_run_leaves_is_removed_and_nothing_else(lake, history, kill):
    before = files_of(lake)
    kill(lake)
    left = files_of(lake) - before
    assert left
    assert lake.sweep(table_of(lake)) == len(left)
    assert files_of(lake) == before
    for snapshot_id, rows in history.items():
        assert published_rows(lake, snapshot_id) == rows


@pytest.mark.parametrize("kill", KILLS)
def test_a_table_that_was_never_published_is_swept_too(lake, kill):
    table_of(lake)
    before = files_of(lake)
    kill(lake)
    assert lake.sweep(table_of(lake))
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
    lake.sweep(table_of(lake))
    assert files_of(lake) == before
    assert before == reachable_files(table_of(lake))


def test_no_empty_folders_stay_behind(lake, history):
    kill_while_staging(lake)
    lake.sweep(table_of(lake))
    folders = [path for path in Path(table_of(lake).location()).rglob("*") if path.is_dir()]
    assert all(any(folder.iterdir()) for folder in folders)


def test_what_no_note_names_stays(lake, history):
    publish(lake, "eve")
    folder = Path(table_of(lake).location())
    foreign = [
        folder / "data" / "00000-0-somebody-elses.parquet",
        folder / "data" / "6fbd5f3a-5c0a-4a4e-8a0c-5d0b3c9d6d11" / "part-00001.parquet",
        folder / "metadata" / "snap-1-0-6fbd5f3a-5c0a-4a4e-8a0c-5d0b3c9d6d11.avro",
        folder / "metadata" / "00000-6fbd5f3a-5c0a-4a4e-8a0c-5d0b3c9d6d11.metadata.json",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of somebody else")
    for kill in KILLS:
        kill(lake)
    assert lake.sweep(table_of(lake))
    assert files_of(lake) == reachable_files(table_of(lake)) | set(map(str, foreign))
    assert lake.journal.all_notes() == {}
    # An erasure is another matter: whoever it is of may stand in any file of the table.
    assert sweep(table_of(lake), lake.storage) == len(foreign)


def test_a_sweep_without_notes_reads_no_manifest_and_lists_no_table(lake, history, monkeypatch):
    lake.sweep(table_of(lake))

    def fail(*_):
        raise AssertionError("manifests are read")

    monkeypatch.setattr("stedi_dagster.lakehouse.orphans.reachable_files", fail)
    assert lake.sweep(table_of(lake)) == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_history_that_was_expired_by_a_killed_run_is_removed_by_the_next(lake, history, when):
    lake.sweep(table_of(lake))
    before = files_of(lake)
    now = Lakehouse(lake.home, lake.warehouse, retention_days=0)
    original = Session.commit

    def killed(session: Session) -> None:
        if when == "after":
            original(session)
        raise Killed

    with patch.object(Session, "commit", killed), pytest.raises(Killed):
        now.expire(table_of(now))
    assert before <= files_of(lake)
    now.unchanged(table_of(now), Participants, "inputs")
    now.expire(table_of(now))
    assert files_of(lake) == reachable_files(table_of(lake))
    assert len(table_of(lake).metadata.snapshots) == 1
    assert published_rows(lake) == people("dora")


def test_unusual_names_of_folders_confuse_nothing(tmp_path):
    warehouse = tmp_path / "metadata" / "snap-1" / "data" / "it's 100 %41"
    lake = Lakehouse(tmp_path / "home", str(warehouse))
    publish(lake, "ann")
    publish(lake, "bob")
    before = files_of(lake)
    for kill in KILLS:
        kill(lake)
    lake.sweep(table_of(lake))
    assert files_of(lake) == before
    assert published_rows(lake) == people("bob")


def test_the_metadata_files_that_the_log_forgets_are_removed(lake):
    for _ in range(12):
        publish(lake, "ann")
    publish(lake, "dora")
    lake.sweep(table_of(lake))
    metadata = {path for path in files_of(lake) if path.endswith(".metadata.json")}
    # The current one, and ten before it.
    assert len(metadata) == 11
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
