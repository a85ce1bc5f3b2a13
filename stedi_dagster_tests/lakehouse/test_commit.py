"""Publishing: one commit, with its history; and of two that race for a table exactly one wins."""

import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from stedi_dagster.contracts import Participants
from stedi_dagster.errors import PublishConflictError
from stedi_dagster.lakehouse.checksums import Damage, damaged_files
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.history import expire
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.orphans import reachable_files
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.storage import Checksum, Storage
from stedi_dagster_tests.lakehouse.builders import (
    NAME,
    files_of,
    people,
    prepare,
    publish,
    published_rows,
    stage,
    table_of,
)


def publish_elsewhere(lake: Lakehouse, *names: str) -> int:
    """Publish as another machine does: by another handle, and without our lock, so that nothing may be swept."""
    other = Lakehouse(lake.home, lake.warehouse)
    table = table_of(other)
    staged = StagedTable(Participants, table.location(), other.storage)
    staged.write_rows(people(*names))
    return other.prepare(table, staged.files(), SnapshotSummary(inputs="elsewhere")).publish().snapshot_id


def test_nothing_is_seen_before_the_commit_and_everything_after_it(lake):
    commit = prepare(lake, "ann", "bob")
    assert lake.read(NAME, Participants) is None
    published = commit.publish()
    assert published_rows(lake) == people("ann", "bob")
    assert (published.table.name(), published.rows) == (("stedi_restricted", "participants"), 2)
    assert published.snapshot_id == commit.snapshot_id == table_of(lake).metadata.current_snapshot_id
    assert published.table.metadata_location == table_of(lake).metadata_location
    assert published == lake.read(NAME, Participants)


def test_a_table_is_replaced_in_one_commit(lake):
    publish(lake, "ann", "bob")
    commits = len(table_of(lake).metadata.metadata_log)
    publish(lake, "cid")
    assert published_rows(lake) == people("cid")
    assert len(table_of(lake).metadata.metadata_log) == commits + 1


def test_a_table_can_become_empty_and_be_filled_again(lake):
    for names in ((), ("ann",), (), (), ("bob", "cid")):
        published = publish(lake, *names)
        assert published_rows(lake) == people(*names)
        assert published.rows == len(names)
        assert published.snapshot_id == table_of(lake).metadata.current_snapshot_id


@pytest.mark.filterwarnings("error")
def test_publishing_makes_no_library_warn(lake):
    for names in ((), ("ann",), (), ("bob",)):
        publish(lake, *names)


def test_an_older_snapshot_stays_readable(lake):
    before = publish(lake, "ann").snapshot_id
    publish(lake, "bob")
    publish(lake)
    assert published_rows(lake, before) == people("ann")


def test_what_a_reader_pinned_does_not_change_under_it(lake, sail):
    publish(lake, "ann")
    pinned = lake.read(NAME, Participants)
    publish(lake, "bob")
    assert pinned is not None
    assert list(map(tuple, pinned.frame(sail).collect())) == people("ann")
    assert pinned.rows == 1


def test_equal_inputs_are_recognised_and_other_inputs_are_not(lake):
    table = table_of(lake)
    assert lake.unchanged(table, Participants, "inputs") is None
    published = publish(lake, "ann", inputs="inputs")
    table = table_of(lake)
    assert lake.unchanged(table, Participants, "others") is None
    found = lake.unchanged(table, Participants, "inputs")
    assert found is not None
    assert found.unchanged
    assert (found.snapshot_id, found.files.rows) == (published.snapshot_id, 1)
    before = files_of(lake)
    assert found.publish() == published
    assert files_of(lake) == before


@pytest.mark.parametrize("there", [None, (), ("ann",)], ids=["never published", "published empty", "published"])
@pytest.mark.parametrize("loser", [("bob",), ()], ids=["rows", "empty"])
def test_of_two_that_race_exactly_one_wins(lake, there, loser):
    if there is not None:
        publish(lake, *there)
    table = table_of(lake)
    late = lake.prepare(table, stage(lake, people(*loser), table), SnapshotSummary(inputs="late"))
    winning = publish_elsewhere(lake, "cid")
    with pytest.raises(PublishConflictError, match=r"Another run published stedi_restricted\.participants"):
        late.publish()
    assert published_rows(lake) == people("cid")
    assert table_of(lake).metadata.current_snapshot_id == winning


def test_what_was_found_unchanged_is_refused_where_somebody_published_meanwhile(lake):
    publish(lake, "ann")
    unchanged = lake.unchanged(table_of(lake), Participants, "inputs")
    assert unchanged is not None
    publish_elsewhere(lake, "bob")
    with pytest.raises(PublishConflictError, match="Another run published"):
        unchanged.publish()


def test_the_losers_files_are_swept_and_the_winners_are_not(lake):
    publish(lake, "ann")
    late = prepare(lake, "bob")
    publish_elsewhere(lake, "cid")
    with pytest.raises(PublishConflictError):
        late.publish()
    lake.discard(late)
    assert files_of(lake) == reachable_files(table_of(lake))
    assert published_rows(lake) == people("cid")


def amend(lake: Lakehouse, *names: str, without: Collection[str] = ()) -> Commit:
    """Stage people, and prepare to add them to whoever is there."""
    table = table_of(lake)
    staged, there = stage(lake, people(*names), table), lake.read(NAME, Participants)
    stays = there.files.without(without) if there else staged.only(())
    return lake.amend(table, staged, SnapshotSummary(inputs="more"), stays=stays, gone=without)


def paths(lake: Lakehouse) -> set[str]:
    return {task.file.file_path for task in table_of(lake).scan().plan_files()}


def test_rows_are_added_and_the_files_that_are_there_stay_in_place(lake):
    before = publish(lake, "ann")
    commit = amend(lake, "bob", "cid")
    assert published_rows(lake) == people("ann")
    published = commit.publish()
    assert published_rows(lake) == people("ann", "bob", "cid")
    assert published == lake.read(NAME, Participants)
    assert published.rows == 3
    assert set(before.files.paths) < paths(lake)
    snapshot = table_of(lake).current_snapshot()
    assert snapshot is not None
    assert snapshot.parent_snapshot_id == before.snapshot_id
    assert damaged_files(table_of(lake), lake.storage) == {}


def test_files_are_replaced_in_one_snapshot_and_the_others_stay_in_place(lake):
    first = publish(lake, "ann")
    second = amend(lake, "bob").publish()
    amend(lake, "cid").publish()
    snapshots = len(table_of(lake).metadata.snapshots)
    going = set(second.files.paths) - set(first.files.paths)
    published = amend(lake, "dora", without=going).publish()
    assert published_rows(lake) == people("ann", "cid", "dora")
    assert published_rows(lake, second.snapshot_id) == people("ann", "bob")
    assert published == lake.read(NAME, Participants)
    assert len(table_of(lake).metadata.snapshots) == snapshots + 1
    assert damaged_files(table_of(lake), lake.storage) == {}


def test_files_can_go_and_nothing_come_for_them(lake):
    first = publish(lake, "ann")
    amend(lake, "bob").publish()
    assert amend(lake, without=first.files.paths).publish().rows == 1
    assert published_rows(lake) == people("bob")
    amend(lake).publish()
    assert published_rows(lake) == people("bob")
    amend(lake, without=paths(lake)).publish()
    assert published_rows(lake) == []
    amend(lake, "cid").publish()
    assert published_rows(lake) == people("cid")


def test_rows_can_be_added_to_a_table_that_was_never_published(lake):
    amend(lake, "ann").publish()
    assert published_rows(lake) == people("ann")


def test_of_what_stays_nothing_is_read_again(lake, monkeypatch):
    amend(lake, "ann").publish()
    stays = paths(lake)
    read: list[str] = []
    checksum = type(lake.storage).checksum

    def watched(storage: Storage, path: str) -> Checksum:
        read.append(path)
        found: Checksum = checksum(storage, path)
        return found

    monkeypatch.setattr(type(lake.storage), "checksum", watched)
    amend(lake, "bob").publish()
    assert not stays & set(read)
    monkeypatch.undo()
    assert damaged_files(table_of(lake), lake.storage) == {}


def test_what_was_altered_before_is_still_told_after_rows_were_added(lake):
    publish(lake, "ann")
    [altered] = map(Path, paths(lake))
    altered.write_bytes(altered.read_bytes()[:-1] + b"?")
    amend(lake, "bob").publish()
    damaged = damaged_files(table_of(lake), lake.storage)
    assert damaged is not None
    assert list(damaged.values()) == [Damage.ALTERED]


@pytest.mark.parametrize("without", [False, True], ids=["adding", "replacing"])
def test_of_two_that_add_rows_exactly_one_wins(lake, without):
    publish(lake, "ann")
    late = amend(lake, "bob", without=paths(lake) if without else ())
    publish_elsewhere(lake, "cid")
    with pytest.raises(PublishConflictError, match=r"Another run published stedi_restricted\.participants"):
        late.publish()
    assert published_rows(lake) == people("cid")
    lake.discard(late)
    assert files_of(lake) == reachable_files(table_of(lake))


def test_a_file_that_is_still_used_survives_the_snapshot_that_added_it(lake):
    publish(lake, "ann")
    for name in ("bob", "cid", "dora"):
        amend(lake, name).publish()
        expire(table_of(lake), lake.journal, before_ms=sys.maxsize)
    assert len(table_of(lake).metadata.snapshots) == 1
    assert published_rows(lake) == people("ann", "bob", "cid", "dora")
    assert damaged_files(table_of(lake), lake.storage) == {}
    assert files_of(lake) == reachable_files(table_of(lake))


def test_a_table_of_many_commits_has_few_manifests(lake):
    for number in range(20):
        amend(lake, f"ann{number:02}").publish()
    snapshot = table_of(lake).current_snapshot()
    assert snapshot is not None
    assert len(snapshot.manifests(table_of(lake).io)) < 10
    assert len(published_rows(lake)) == 20


def test_a_discarded_commit_leaves_no_file(lake):
    publish(lake, "ann")
    before = files_of(lake)
    refused = prepare(lake, "bob")
    assert files_of(lake) > before
    lake.discard(refused)
    assert files_of(lake) == before
    assert not Path(refused.files.folder).exists()


def test_asking_for_a_table_again_writes_nothing(lake):
    table_of(lake)
    before = files_of(lake)
    assert table_of(lake).metadata.current_snapshot_id is None
    assert files_of(lake) == before


def test_the_participants_are_kept_apart_from_the_eight_tables(lake):
    publish(lake, "ann")
    assert lake.catalog.list_tables("stedi") == []
    assert lake.catalog.list_tables("stedi_restricted") == [("stedi_restricted", NAME)]
    assert lake.table("customer_landing") is None
