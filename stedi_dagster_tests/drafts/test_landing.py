"""A run lands what has not landed, and what it makes of that is what landing everything would make of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.contracts import LandedFiles
from stedi_dagster.lakehouse.orphans import reachable_files
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.land import Lander
from stedi_dagster_tests.drafts.feeding import Feeding, in_full, touch
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, LATEST_MS, NOW
from stedi_dagster_tests.scenario import T0, customer, reading


@pytest.fixture
def feeding(tmp_path: Path, sail: SparkSession) -> Callable[[Feed], Feeding]:
    """A feed of its own in an empty landing zone."""
    return lambda feed: Feeding(tmp_path / feed.name, feed, sail)


@pytest.fixture
def landed(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The files that each run has read."""
    seen: list[set[str]] = []
    land = Lander.land

    def watched(lander: Lander, session: Any, listing: Any, *args: Any, **more: Any) -> None:
        seen.append({file.name.rsplit("/", maxsplit=1)[-1] for file in listing.files})
        land(lander, session, listing, *args, **more)

    monkeypatch.setattr(Lander, "land", watched)
    return seen


def test_a_new_file_alone_is_read_and_the_data_files_of_the_others_stay(feeding, landed):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land("accelerometer", reading(at=T0), reading(at=T0 + 1), name="one.json")
    feed.scenario.land_text("accelerometer", "no JSON", name="odd.json")
    before = feed.run().commit.files.paths
    feed.scenario.land("accelerometer", reading(at=T0 + 2), name="two.json")
    draft = feed.run()
    assert landed == [{"one.json", "odd.json"}, {"two.json"}]
    assert set(before) < set(draft.commit.files.paths)
    assert (draft.rows_in, draft.withheld, draft.counted["files_landed"]) == (4, {"quarantined: not JSON": 1}, 1)
    assert feed.holds() == in_full(feed)
    assert len(set(feed.batches().values())) == 3


def test_where_everything_has_landed_nothing_is_read_or_written(feeding, landed):
    feed = feeding(CUSTOMER)
    feed.scenario.land("customer", customer())
    feed.scenario.land_text("customer", "", name="empty.json")
    feed.run()
    before = feed.snapshots()
    draft = feed.run()
    assert draft.counted["files_landed"] == 0
    assert all(commit.unchanged for commit in draft.commits)
    assert (feed.snapshots(), len(landed)) == (before, 1)


def test_what_could_not_be_read_stays_as_it_is_while_nothing_of_it_is_new(feeding):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land_text("accelerometer", "no JSON", name="odd.json")
    feed.run()
    records, quarantine, _ = feed.snapshots()
    feed.scenario.land("accelerometer", reading())
    feed.run()
    assert feed.snapshots()[0] != records
    assert feed.snapshots()[1] == quarantine


def copy(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("how", [touch, copy])
def test_a_file_of_which_only_the_time_has_changed_is_not_landed_again_nor_read_twice(
    feeding, landed, monkeypatch, how
):
    feed = feeding(ACCELEROMETER)
    path = feed.scenario.land("accelerometer", reading())
    feed.scenario.land("accelerometer", reading(at=T0), name="other.json")
    feed.run()
    records, quarantine, files = feed.snapshots()
    how(path)
    draft = feed.run()
    assert draft.commit.unchanged
    assert len(landed) == 1
    assert feed.snapshots()[:2] == [records, quarantine]
    # What is known now is that it is the same.
    assert feed.snapshots()[2] != files
    monkeypatch.setattr(type(feed.lakehouse.storage), "digest", lambda *_: pytest.fail("nothing is to be read"))
    feed.run()
    assert len(landed) == 1


@pytest.mark.parametrize("size", ["the same size", "another size"])
def test_a_file_that_changed_in_place_is_landed_again_with_those_that_landed_with_it(feeding, landed, size):
    feed = feeding(ACCELEROMETER)
    path = feed.scenario.land("accelerometer", reading(x=1.5), name="one.json")
    feed.scenario.land("accelerometer", reading(at=T0), name="two.json")
    feed.run()
    feed.scenario.land("accelerometer", reading(at=T0 + 9), name="later.json")
    feed.run()
    # As tools do that keep the time.
    times = path.stat()
    feed.scenario.land("accelerometer", reading(x=2.5 if size == "the same size" else 20.25), name="one.json")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    feed.run()
    assert landed[-1] == {"one.json", "two.json"}
    assert feed.holds() == in_full(feed)


def test_a_file_that_is_gone_takes_its_rows_along_and_only_its_batch_is_landed_again(feeding, landed):
    feed = feeding(ACCELEROMETER)
    for name in ("one.json", "two.json"):
        feed.scenario.land("accelerometer", reading(x=len(name)), name=name)
    feed.run()
    feed.scenario.land("accelerometer", reading(at=T0 + 9), name="later.json")
    feed.run()
    feed.path("one.json").unlink()
    feed.run()
    assert landed[-1] == {"two.json"}
    assert feed.holds() == in_full(feed)
    feed.path("later.json").unlink()
    before = len(landed)
    feed.run()
    assert len(landed) == before
    assert feed.holds() == in_full(feed)


def test_what_was_in_the_future_lands_when_it_no_longer_is(feeding, landed):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land("accelerometer", reading(), name="now.json")
    feed.scenario.land("accelerometer", reading(at=LATEST_MS + 5000), name="ahead.json")
    feed.run()
    feed.run(now_ms=NOW + 4999)
    assert len(landed) == 1
    draft = feed.run(now_ms=NOW + 5000)
    assert landed[-1] == {"ahead.json"}
    assert (draft.commit.files.rows, draft.withheld) == (2, {})


def test_whom_a_text_means_that_was_cut_off_is_told_by_everybody_who_has_landed(feeding):
    feed = feeding(CUSTOMER)
    feed.scenario.land("customer", customer("anna@example.com"))
    feed.scenario.land_text("customer", '{"email": "anna@exa', name="cut.json")
    feed.run()
    assert [row[5] for row in feed.rows(feed.feed.quarantine)] == ["anna@exa\nanna@example.com"]
    feed.scenario.land("customer", customer("anna@example.org"), name="later.json")
    feed.run()
    assert [row[5] for row in feed.rows(feed.feed.quarantine)] == ["anna@exa\nanna@example.com\nanna@example.org"]
    assert feed.holds() == in_full(feed)


@pytest.mark.parametrize("reason", ["other code", "asked for"])
def test_everything_lands_where_code_is_another_or_somebody_asks_for_it(feeding, landed, reason):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land("accelerometer", reading(), name="one.json")
    feed.run()
    feed.scenario.land("accelerometer", reading(at=T0), name="two.json")
    more = {"code": "other"} if reason == "other code" else {"full": True}
    feed.run(**more)
    assert landed[-1] == {"one.json", "two.json"}
    assert len(set(feed.batches().values())) == 1


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_run_that_was_killed_between_its_commits_is_done_again_as_if_it_had_not_been(feeding, commits):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land("accelerometer", reading(), name="one.json")
    feed.scenario.land_text("accelerometer", "no JSON", name="odd.json")
    feed.run()
    feed.scenario.land("accelerometer", reading(at=T0), name="two.json")
    feed.scenario.land_text("accelerometer", "neither", name="odd too.json")
    with feed.lakehouse.writing("a test", timeout=0, waiting=print):
        draft = feed.draft()
        # The identifiers of all are known before the first is committed.
        assert len({commit.snapshot_id for commit in draft.commits}) == 3
        for commit in draft.commits[:commits]:
            commit.publish()
    feed.run()
    assert feed.holds() == in_full(feed)
    for name in (feed.feed.contract.table(), feed.feed.quarantine, feed.feed.landed_files):
        table = feed.lakehouse.table(name)
        assert table is not None
        assert set(feed.lakehouse.storage.list(table.location())) == reachable_files(table)


def test_a_file_that_changes_while_it_is_read_is_landed_again(feeding, landed, monkeypatch):
    feed = feeding(ACCELEROMETER)
    path = feed.scenario.land("accelerometer", reading(x=1.5))
    land = Lander.land

    def changing(lander: Lander, *args: Any, **more: Any) -> None:
        land(lander, *args, **more)
        feed.scenario.land("accelerometer", reading(x=2.5))

    monkeypatch.setattr(Lander, "land", changing)
    feed.run()
    monkeypatch.setattr(Lander, "land", land)
    # The digest may be of what is there now, and the records of what was there before.
    touch(path)
    feed.run()
    assert len(landed) == 2
    assert [row[2] for row in feed.rows("accelerometer_landing")] == [2.5]


def test_a_list_of_files_that_somebody_took_rows_out_of_is_not_believed(feeding, landed):
    feed = feeding(ACCELEROMETER)
    for name in ("one.json", "two.json"):
        feed.scenario.land("accelerometer", reading(x=len(name)), name=name)
    feed.run()
    lakehouse = feed.lakehouse
    with lakehouse.writing("a test", timeout=0, waiting=print):
        published = lakehouse.read(feed.feed.landed_files, LandedFiles)
        assert published is not None
        table = lakehouse.ensure_table(feed.feed.landed_files, LandedFiles)
        staged = lakehouse.stage(table, LandedFiles)
        staged.write_batches(batch.slice(1) for batch in published.files.batches(LandedFiles.names()))
        lakehouse.prepare(table, staged.files(), published.summary).publish()
    feed.run()
    assert landed[-1] == {"one.json", "two.json"}
    assert feed.holds() == in_full(feed)


def test_many_runs_leave_few_batches_and_few_files_and_no_record_is_lost(feeding):
    feed = feeding(ACCELEROMETER)
    most = 0
    for number in range(30):
        feed.scenario.land("accelerometer", reading(at=T0 + number), name=f"{number:02}.json")
        feed.scenario.land_text("accelerometer", f"no JSON {number}", name=f"{number:02} odd.json")
        draft = feed.run()
        for commit in draft.commits:
            most = max(most, len(commit.files.paths))
    assert most <= 40
    assert len(set(feed.batches().values())) <= 26
    assert feed.holds() == in_full(feed)
    # One that is in a batch with others now.
    feed.path("03.json").unlink()
    feed.path("03 odd.json").unlink()
    feed.run()
    assert feed.holds() == in_full(feed)


def test_a_small_batch_is_not_merged_with_a_large_one_again_and_again(feeding):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land("accelerometer", *(reading(at=T0 + number) for number in range(5000)), name="large.json")
    feed.run()
    large = feed.batches()["accelerometer/landing/large.json"]
    for number in range(14):
        feed.scenario.land("accelerometer", reading(at=T0 - number - 1), name=f"{number}.json")
        feed.run()
    assert feed.batches()["accelerometer/landing/large.json"] == large
    assert len(set(feed.batches().values())) < 14


def test_a_file_named_after_a_person_is_counted_and_listed_without_the_address(feeding):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land_text("accelerometer", "no JSON", name="of ann.bee@example.com/day 1.json")
    feed.run()
    shown = "accelerometer/landing/of (address)/day 1.json"
    assert feed.holds()["told"]["quarantined-in"] == {shown: 1}
    assert [row[0] for row in feed.rows(feed.feed.landed_files)] == [shown]
    assert "ann.bee" not in repr(feed.rows(feed.feed.landed_files))


def test_an_empty_file_is_known_and_nothing_is_read_of_it(feeding):
    feed = feeding(ACCELEROMETER)
    feed.scenario.land_text("accelerometer", "", name="empty.json")
    feed.scenario.land_text("accelerometer", "no JSON", name="odd.json")
    assert feed.run().counted["files_read_outside_the_engine"] == 1
    assert len(feed.batches()) == 2
