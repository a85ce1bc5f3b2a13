"""Creating releases: what is in one, who is in which part, and when none is created."""

import re
from datetime import UTC, datetime

import pytest

from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.errors import ReleaseError, StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.releases.read import release_of, releases_of
from stedi_dagster.split import PARTS, Shares, part_of
from stedi_dagster_tests.releases.worlds import PEOPLE, copy, forget, make, parts, released, withdraw
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

CURATED = ", ".join(MachineLearningCurated.names())


def test_a_release_has_the_rows_of_machine_learning_curated(world):
    release = make(world, note="for the autumn's model")
    rows = world.query(f"SELECT {CURATED} FROM ml_release WHERE release = 'first' ORDER BY ALL")
    assert rows == world.rows("machine_learning_curated")
    assert (release.current.rows, release.current.participants) == (60, 24)
    assert (release.current.first_ms, release.current.last_ms) == (T0, T0 + 2303)
    counted = world.query("SELECT part, count(*), count(DISTINCT participantId) FROM ml_release GROUP BY part")
    assert {part: (rows, people) for part, rows, people in counted} == {
        part: (found.rows, found.participants) for part, found in release.current.parts.items()
    }
    assert released(world) == release


def test_everybody_is_in_the_part_that_their_number_says(world):
    make(world)
    assert len(parts(world)) == len(PEOPLE)
    assert all(part == part_of(participant, Shares()) for participant, part in parts(world).items())


def test_nobody_changes_parts_whoever_joins_or_leaves(world):
    make(world)
    before = parts(world)
    withdraw(world, PEOPLE[0])
    world.land("customer", customer("new@example.com"), name="new.json")
    world.land("accelerometer", reading("new@example.com", T0 + 9000), name="new.json")
    world.land("step_trainer", step("serial-of-new@example.com", T0 + 9000), name="new.json")
    assert world.run().success
    make(world, "second")
    after = parts(world, "second")
    assert len(after.keys() - before.keys()) == 1
    assert len(before.keys() - after.keys()) == 1
    assert {who: part for who, part in after.items() if who in before} == {
        who: part for who, part in before.items() if who in after
    }
    assert set(before.values()) == set(PARTS)


def test_other_shares_than_those_of_the_releases_there_are_are_refused(world):
    make(world, split="50,25,25")
    with pytest.raises(ReleaseError, match="nobody changes parts: set STEDI_SPLIT=50,25,25"):
        make(world, "second")
    # Also where nobody is left in them: whoever was trained on is remembered by models.
    world.settings["max_age"] = 0
    assert world.run().success
    world.settings["max_age"] = None
    assert world.run().success
    assert released(world).current.rows == 0
    with pytest.raises(ReleaseError, match="nobody changes parts"):
        make(world, "second")
    make(world, "second", split="50,25,25")


def test_a_release_stays_as_it_is_when_more_is_published(world):
    make(world)
    before = world.rows("ml_release")
    world.land("accelerometer", reading(PEOPLE[3], T0 + 9000), name="more.json")
    world.land("step_trainer", step(f"serial-of-{PEOPLE[3]}", T0 + 9000), name="more.json")
    assert world.run().success
    make(world, "second")
    assert [row for row in world.rows("ml_release") if "first" in row] == before
    assert [release.name for release in releases_of(world.lakehouse())] == ["first", "second"]
    assert released(world).current.number == 1
    assert released(world, "second").current.rows == 61


def test_a_card_knows_what_a_release_was_made_of(world):
    origin = make(world, note="a note").origin
    [(snapshot,)] = [(world.lakehouse().read("machine_learning_curated", MachineLearningCurated),)]
    assert snapshot is not None
    assert origin.snapshot_id == str(snapshot.snapshot_id)
    assert datetime.fromtimestamp(origin.snapshot_ms / 1000, tz=UTC).date() == datetime.now(tz=UTC).date()
    assert (origin.note, origin.shares, origin.policy["consent"]) == ("a note", (70, 15, 15), "granted")
    assert origin.lakehouse == world.lakehouse().identity.lakehouse
    assert [step.total for step in origin.funnel] == [25, 25, 24, 24, 24, 24, 24]
    assert (origin.steps, dict(origin.withheld)) == (60, {})
    assert {audit.state for audit in origin.audits} == {"passed"}
    assert set(origin.gate) == {"contract", "consent", "same_person", "reconciliation"}
    assert origin.readings == (1, 3, 4)
    assert origin.most_active == 13.3
    # Twelve of each age, told in tens.
    assert [(band.name, band.people) for band in origin.ages] == [("30 to 44", 10), ("60 to 74", 10)]
    assert "@" not in str(origin)


def test_of_fewer_than_ten_people_nothing_is_told(world):
    for email in PEOPLE[:15]:
        withdraw(world, email)
    assert world.run().success
    origin = make(world).origin
    assert (origin.readings, origin.most_active) == (None, None)
    assert {band.people for band in origin.ages} == {None}


@pytest.mark.parametrize("name", ["", "First", "../x", "a b", "a/b", "-a", "x" * 65, "é"])
def test_names_are_plain(world, name):
    with pytest.raises(ReleaseError, match="A release is named by"):
        make(world, name)
    assert not released_anything(world)


@pytest.mark.parametrize("note", ["by ann@example.com", "ann%40example.com", "ann＠example.com", "x" * 2001])  # noqa: RUF001
def test_a_note_names_nobody(world, note):
    with pytest.raises(ReleaseError, match="no @"):
        make(world, note=note)
    assert not released_anything(world)


def test_a_name_is_given_once(world):
    make(world)
    with pytest.raises(ReleaseError, match="There is a release first already"):
        make(world)


def test_an_unknown_release_is_told_from_those_there_are(world):
    make(world)
    with pytest.raises(StediError, match=re.escape("no release 'other': there are first.")):
        release_of(world.lakehouse(), "other")


def test_no_release_under_other_rules_than_those_in_force(world):
    with pytest.raises(ReleaseError, match="by other rules"):
        make(world, max_age=120)
    with pytest.raises(ReleaseError, match="STEDI_MATCH=timestamp"):
        make(world, match="timestamp")
    assert not released_anything(world)


def test_no_release_while_somebody_has_withdrawn_who_is_still_published(world):
    withdraw(world, PEOPLE[0])
    with pytest.raises(ReleaseError, match=r"withdrawals: customer_trusted, 1 person"):
        make(world)
    assert not released_anything(world)
    assert world.run().success
    assert make(world).current.participants == 23


def test_no_release_of_what_the_gate_has_not_seen(world):
    forget(world, PEOPLE[0])
    with pytest.raises(ReleaseError, match="rows were deleted from it since"):
        make(world)
    assert world.run().success
    assert make(world).current.participants == 23


def test_no_release_of_nothing(tmp_path, sail_url):
    scenario = Scenario(tmp_path, {"engine": sail_url})
    with pytest.raises(StediError, match="has not been published yet"):
        make(scenario)
    scenario.land("customer", customer(agreed=None))
    scenario.land("accelerometer", reading())
    scenario.land("step_trainer", step())
    assert scenario.run().success
    with pytest.raises(ReleaseError, match="is empty"):
        make(scenario)


def test_a_copy_that_is_out_of_date_does_not_stand_in_the_way_of_a_new_release(world, tmp_path):
    make(world)
    copy(world, tmp_path / "copy")
    withdraw(world, PEOPLE[0])
    assert world.run().success
    assert make(world, "second").current.participants == 23


def released_anything(world: Scenario) -> bool:
    lakehouse: Lakehouse = world.lakehouse()
    return bool(releases_of(lakehouse)) or lakehouse.table("ml_release") is not None
