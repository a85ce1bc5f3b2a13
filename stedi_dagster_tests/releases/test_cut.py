"""Whoever leaves is taken out of every release: by a run, by an erasure, by a run in trouble; whatever is killed."""

import time
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from pyiceberg.table import Table

from stedi_dagster import data
from stedi_dagster.contracts import TABLES, MlRelease, ReleaseRevisions
from stedi_dagster.drafts import releases as cut
from stedi_dagster.drafts.releases import cut_again
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.history import Removed
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import Revisions
from stedi_dagster.releases.verify import verify
from stedi_dagster_tests.histories.crashes import Crash, Killed, crashing
from stedi_dagster_tests.releases.worlds import (
    PEOPLE,
    copy,
    forget,
    holding,
    make,
    participant_of,
    participants_in,
    participants_in_files,
    parts,
    released,
    withdraw,
)
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

# Of PEOPLE[3] and PEOPLE[7] there are four rows, of PEOPLE[0] one.
ONE, FOUR, OTHER = PEOPLE[0], PEOPLE[3], PEOPLE[7]


def test_a_run_takes_out_who_withdrew(world):
    make(world)
    make(world, "second")
    theirs = participant_of(world, FOUR)
    withdraw(world, FOUR)
    assert world.run().success
    for name in ("first", "second"):
        first, then = released(world, name).revisions
        assert (first.number, then.number, then.rows_gone, then.participants_gone) == (1, 2, 4, 1)
        assert (then.rows, then.participants) == (56, 23)
        assert "people withdrew" in then.reason
        assert theirs not in parts(world, name)
    # Another run has nothing to do.
    before = world.files()
    assert world.run().success
    assert world.files() == before
    assert released(world).current.number == 2


def test_an_erasure_takes_somebody_out_at_once_and_out_of_the_history(world):
    make(world)
    theirs = participant_of(world, FOUR)
    forget(world, FOUR)
    now = released(world).current
    assert (now.number, now.reason, now.rows_gone, now.participants_gone) == (2, "somebody was erased", 4, 1)
    assert theirs not in parts(world)
    assert theirs not in participants_in_files(world.home)
    assert world.run().success
    assert released(world).current.number == 2


def test_with_no_history_no_file_has_who_withdrew(world):
    world.settings["retention"] = 0
    make(world)
    theirs = participant_of(world, FOUR)
    assert theirs in participants_in_files(world.home)
    withdraw(world, FOUR)
    assert world.run().success
    assert theirs not in participants_in_files(world.home)


def test_a_run_that_refuses_a_feed_takes_out_who_withdrew(world):
    make(world)
    theirs = participant_of(world, FOUR)
    withdraw(world, FOUR)
    # Nothing else of the feed can be read.
    world.land_text("customer", "{\n" * 50, name="broken.json")
    assert not world.run().success
    now = released(world).current
    assert (now.number, now.reason, now.participants_gone) == (2, "somebody withdrew", 1)
    assert theirs not in parts(world)


def test_a_row_that_is_no_longer_published_is_in_no_release(world):
    make(world)
    theirs = participant_of(world, FOUR)
    # Another person's device has the number, too: whose readings these were is not known.
    world.land("customer", customer("thief@example.com", serial=f"serial-of-{FOUR}"), name="thief.json")
    assert world.run().success
    assert theirs not in parts(world)
    assert released(world).current.rows_gone == 4


def test_of_a_moment_that_lost_a_row_all_rows_go_and_others_stay(world):
    make(world)
    theirs = participant_of(world, FOUR)
    path = world.landing / "accelerometer" / "landing" / "part-1.json"
    # One of their four readings was another one.
    at = T0 + 300 + 2
    lines = [line for line in path.read_text().splitlines() if f'"{FOUR}", "timestamp": {at},' not in line]
    path.write_text("\n".join(lines) + "\n")
    world.land("accelerometer", reading(FOUR, at, x=5.0), name="right.json")
    assert world.run().success
    left = world.query(f"SELECT sensorReadingTime FROM ml_release WHERE participantId = '{theirs}' ORDER BY ALL")
    assert left == [(T0 + 300,), (T0 + 301,), (T0 + 303,)]
    now = released(world).current
    assert (now.rows_gone, now.participants_gone) == (1, 0)


def test_what_is_only_added_is_not_looked_at(world, monkeypatch):
    make(world)
    world.land("accelerometer", reading(FOUR, T0 + 9000), name="more.json")
    world.land("step_trainer", step(f"serial-of-{FOUR}", T0 + 9000), name="more.json")

    def looking(*_: object) -> None:
        raise AssertionError("no row has gone")

    monkeypatch.setattr(cut, "_take_out", looking)
    assert world.run().success
    assert released(world).current.number == 1


def test_without_a_release_a_run_makes_no_table_for_it(world):
    withdraw(world, FOUR)
    assert world.run().success
    lakehouse = world.lakehouse()
    assert lakehouse.table(MlRelease.table()) is lakehouse.table(ReleaseRevisions.table()) is None


def test_when_everybody_has_left_nothing_is_left(world):
    make(world)
    for email in PEOPLE:
        withdraw(world, email)
    assert world.run().success
    now = released(world).current
    assert (now.number, now.rows, now.participants, now.first_ms, now.last_ms) == (2, 0, 0, None, None)
    assert world.rows("ml_release") == []


def test_who_agrees_again_is_somebody_new_and_in_no_earlier_release(world):
    make(world)
    before = participant_of(world, FOUR)
    withdraw(world, FOUR)
    assert world.run().success
    world.land("customer", customer(FOUR, agreed=T0 + 50, lastUpdateDate=T0 + 50), name="again.json")
    assert world.run().success
    after = participant_of(world, FOUR)
    assert after != before
    make(world, "second")
    assert after in parts(world, "second")
    assert not {before, after} & parts(world).keys()


@pytest.mark.parametrize("nth", range(3))
def test_a_release_whose_creation_was_killed_is_none(world, nth):
    make(world)
    with crashing(Crash("publishing", "after" if nth else "before", max(0, nth - 1))), suppress(Killed):
        make(world, "second")
    with holding(world) as lakehouse:
        cut_again(lakehouse, run_id="the next")
    names = {name for (name,) in world.query("SELECT DISTINCT release FROM ml_release")}
    # The second commit is that of the revision.
    assert names == set(Revisions(world.lakehouse()).all()) == ({"first", "second"} if nth == 2 else {"first"})
    if nth < 2:
        assert make(world, "second").current.rows == 60


def test_a_release_whose_creation_was_killed_goes_though_somebody_is_erased_in_between(world):
    make(world)
    with crashing(Crash("publishing", "after", 0)), suppress(Killed):
        make(world, "second")
    forget(world, FOUR)
    assert world.run().success
    assert {name for (name,) in world.query("SELECT DISTINCT release FROM ml_release")} == {"first"}
    assert released(world).current.number == 2


def test_a_cut_that_was_killed_before_it_was_recorded_is_recorded_by_the_next_run(world):
    make(world)
    withdraw(world, FOUR)
    with patch.object(Revisions, "record_cuts", side_effect=Killed), suppress(Killed):
        world.run()
    assert released(world).current.number == 1
    assert world.run().success
    now = released(world).current
    assert (now.number, now.rows_gone, now.participants_gone) == (2, 4, 1)


def test_who_withdraws_between_two_releases_is_gone_from_both_counts(world: Scenario):
    make(world)
    withdraw(world, ONE)
    assert world.run().success
    make(world, "second")
    withdraw(world, OTHER)
    assert world.run().success
    told = [[(one.number, one.rows_gone) for one in released(world, name).revisions] for name in ("first", "second")]
    assert told == [[(1, 0), (2, 1), (3, 4)], [(1, 0), (2, 4)]]


def test_a_clock_that_goes_back_does_not_hide_who_has_left(world, tmp_path):
    ahead = time.time_ns() + 600 * 10**9
    with patch("time.time_ns", lambda: ahead):
        make(world)
        copy(world, tmp_path / "copy")
    withdraw(world, FOUR)
    assert world.run().success
    assert [revision.number for revision in released(world).revisions] == [1, 2]
    assert verify(str(tmp_path / "copy"), world.lakehouse()).must_be_replaced
    assert data.open(world.home).release("first").revision == 2
    withdraw(world, OTHER)
    assert world.run().success
    assert [(one.number, one.rows) for one in released(world).revisions] == [(1, 60), (2, 56), (3, 52)]


def test_history_ends_in_a_run_that_has_nothing_to_do_with_releases(world):
    make(world)
    theirs = participant_of(world, FOUR)
    withdraw(world, FOUR)
    assert world.run().success
    assert theirs in participants_in_files(world.home)
    world.settings["retention"] = 0
    assert world.run().success
    assert theirs not in participants_in_files(world.home)


def test_what_a_killed_run_left_of_history_goes_with_the_next(world):
    world.settings["retention"] = 0
    make(world)
    theirs = participant_of(world, FOUR)
    withdraw(world, FOUR)
    expire = Lakehouse.expire

    def dying(lakehouse: Lakehouse, table: Table) -> Removed:
        if table.name()[-1] == "ml_release":
            raise Killed
        return expire(lakehouse, table)

    with patch.object(Lakehouse, "expire", dying), suppress(Killed):
        world.run()
    assert world.run().success
    assert theirs not in participants_in_files(world.home)


def test_whichever_job_makes_the_table_takes_people_out_of_releases(world):
    make(world)
    theirs = participant_of(world, FOUR)
    withdraw(world, FOUR)
    assert world.run(tables=list(TABLES)).success
    assert theirs not in parts(world)
    assert released(world).current.number == 2


def test_where_rows_cannot_be_compared_people_are_taken_out_all_the_same(world):
    make(world)
    theirs = participant_of(world, FOUR)
    withdraw(world, FOUR)
    with patch("stedi_dagster.drafts.releases._take_out", side_effect=StediError("It needs more memory.")):
        assert not world.run().success
    assert theirs not in parts(world)
    assert world.run().success
    assert released(world).current.participants == 23


def test_a_lost_file_of_a_release_keeps_nobody_in_the_others(world):
    make(world)
    theirs = participant_of(world, FOUR)
    files = [path for path in world.files() if "ml_release/data" in path and path.endswith(".parquet")]
    lost = next(path for path in files if theirs not in participants_in(path))
    Path(lost).unlink()
    withdraw(world, FOUR)
    result = world.run()
    assert not result.success
    released_now = world.lakehouse().read("ml_release", MlRelease)
    assert released_now is not None
    left = released_now.files.there().paths
    assert left
    assert all(theirs not in participants_in(path) for path in left)


def test_a_refused_feed_takes_out_what_a_killed_run_had_left_in_releases(world):
    make(world)
    theirs = participant_of(world, FOUR)
    world.land("customer", customer("thief@example.com", serial=f"serial-of-{FOUR}"), name="thief.json")
    with patch("stedi_dagster.defs.resources.io_manager.cut_again", side_effect=Killed), suppress(Killed):
        world.run()
    assert theirs in parts(world)
    world.land_text("step_trainer", "junk\n" * 9999, name="junk.json")
    assert not world.run().success
    assert theirs not in parts(world)
