"""Publishing: one commit, with its history; and of two that race for a table exactly one wins."""

from pathlib import Path

import pytest

from stedi_dagster.contracts import Participants
from stedi_dagster.errors import PublishConflictError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.orphans import reachable_files
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.lakehouse.summary import SnapshotSummary
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
