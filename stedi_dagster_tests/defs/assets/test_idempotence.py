"""Publishing again: the same inputs change nothing, not even on disk; whatever else decides rows publishes anew."""

import time
from unittest.mock import Mock

import dagster as dg
import pytest

from stedi_dagster.contracts import CONTRACTS, TABLES
from stedi_dagster.contracts.base import latest_ms
from stedi_dagster_tests.defs.assets.builders import (
    LANDED_FILES,
    QUARANTINES,
    contents,
    files,
    materialize,
    materialized,
    metadata,
    orphans,
    snapshots,
    three_people,
)
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

ABOVE_LANDING = set(TABLES) - {"customer_landing", "accelerometer_landing", "step_trainer_landing"}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Scenario:
    """Everything of three people, published; some of it unreadable, some delivered twice."""
    scenario = three_people(tmp_path_factory.mktemp("world"))
    scenario.settings["max_bad_share"] = 0.5
    scenario.land_text("customer", '{"email": "half', name="broken.json")
    scenario.land("step_trainer", step(), step(), name="twice.json")
    assert scenario.run().success
    return scenario


def republished(world: Scenario, **overrides) -> set[str]:
    """The tables that a run published anew; that it says so itself is checked."""
    before = snapshots(world)
    result = world.run(**overrides)
    assert result.success
    after = snapshots(world)
    new = {name for name in after if after[name] != before.get(name)}
    assert {table for table in TABLES if not metadata(result, table)["unchanged"]} == new & set(TABLES)
    assert orphans(world) == set()
    return new


def test_the_same_inputs_again_change_nothing_and_leave_not_one_file_more(world):
    before = (contents(world), snapshots(world), files(world))
    for _ in range(2):
        assert republished(world) == set()
    assert (contents(world), snapshots(world), files(world)) == before


def test_a_record_refused_for_lying_in_the_future_lands_when_it_no_longer_does(tmp_path, monkeypatch):
    scenario = three_people(tmp_path)
    scenario.settings["max_bad_share"] = 0.5
    now = time.time_ns() // 1_000_000
    scenario.land("accelerometer", reading(at=latest_ms(now) + 60_000), name="ahead.json")

    def is_republished() -> bool:
        result = scenario.run(tables=["accelerometer_landing"])
        return not metadata(result, "accelerometer_landing")["unchanged"]

    assert is_republished()
    rows = len(scenario.rows("accelerometer_landing"))
    assert not is_republished()
    monkeypatch.setattr("stedi_dagster.defs.resources.run.time", Mock(time_ns=lambda: (now + 60_000) * 1_000_000))
    assert is_republished()
    assert len(scenario.rows("accelerometer_landing")) == rows + 1
    assert not is_republished()


def test_one_table_alone_is_not_published_again_either(world):
    before = files(world)
    result = materialize(world, dg.DagsterInstance.ephemeral(), "customers_curated")
    assert materialized(result) == {"customers_curated"}
    assert files(world) == before


def test_a_reused_table_says_the_same_as_when_it_was_published(tmp_path):
    scenario = three_people(tmp_path)
    scenario.land("step_trainer", step(), step(), name="twice.json")
    with dg.DagsterInstance.ephemeral() as instance:
        first, second = scenario.run(instance), scenario.run(instance)
    for table in TABLES:
        told, again = metadata(first, table), metadata(second, table)
        assert (told.pop("unchanged"), again.pop("unchanged")) == (False, True)
        assert again.pop("audited_in") == first.run_id
        assert told.pop("files_landed", 0) >= again.pop("files_landed", 0) == 0
        assert told.pop("seconds") > 0
        assert again.pop("seconds") > 0
        assert (told.pop("made"), again.pop("made")) == ("full", "unchanged")
        assert told.pop("rows_added") == told["dagster/row_count"]
        # Only the list of what has landed is read again, to compare it with what is there.
        assert told.pop("bytes_read") > 0
        assert (again.pop("bytes_read") > 0) == table.endswith("_landing")
        assert again.pop("rows_added") == told.pop("rows_taken_out") == again.pop("rows_taken_out") == 0
        assert told == again


def test_another_policy_publishes_what_it_decides_and_the_old_one_the_old_rows(world):
    rows = contents(world)
    assert republished(world, max_age=10) == ABOVE_LANDING
    assert world.rows("customer_trusted") == []
    assert republished(world) == ABOVE_LANDING
    assert contents(world) == rows


def test_a_new_landing_file_publishes_its_feed_and_what_is_made_of_it(world):
    world.land("accelerometer", reading("cid@example.com", T0 + 9000), name="new.json")
    # The rows of customers_curated are the same, and so is what is made of them.
    assert republished(world) == {
        "accelerometer_landing",
        "accelerometer_landed_files",
        "accelerometer_trusted",
        "customers_curated",
        "machine_learning_curated",
    }


def test_a_changed_landing_file_is_read_again(world):
    world.land_text("customer", '{"email": "half", "serial', name="broken.json")
    assert {"customer_landing", "customer_quarantine"} <= republished(world)
    assert world.query("SELECT raw FROM quarantine") == [('{"email": "half", "serial',)]


def test_a_file_that_is_withdrawn_takes_its_rows_along(world):
    world.land("customer", customer("dora@example.com"), name="withdrawn.json")
    republished(world)
    assert ("dora@example.com",) in world.query("SELECT email FROM customer_trusted")
    (world.landing / "customer" / "landing" / "withdrawn.json").unlink()
    republished(world)
    assert ("dora@example.com",) not in world.query("SELECT email FROM customer_trusted")


def test_other_code_publishes_everything_anew_with_the_same_rows(world, monkeypatch):
    rows = contents(world)
    monkeypatch.setattr("stedi_dagster.defs.resources.run.code_version", lambda _contract: "another version")
    assert republished(world) == set(TABLES) | QUARANTINES | LANDED_FILES
    assert contents(world) == rows


def test_a_snapshot_tells_in_its_properties_what_it_was_made_from(tmp_path):

    from stedi_dagster.code_version import code_version

    scenario = three_people(tmp_path)
    result = scenario.run(max_age=120)
    there = snapshots(scenario)
    snapshot = scenario.lakehouse().read("machine_learning_curated", TABLES["machine_learning_curated"])
    assert snapshot is not None
    assert snapshot.summary.run_id == result.run_id
    assert snapshot.summary.code_version == code_version(TABLES["machine_learning_curated"])
    assert snapshot.summary.policy == {
        "consent": "granted",
        "match": "person",
        "step_people": "curated",
        "max_age": 120,
        "serials": "unique",
    }
    upstream = ("step_trainer_trusted", "accelerometer_trusted", "customers_curated", "participants")
    assert snapshot.summary.upstream == {name: there[name] for name in upstream}


def test_a_run_tells_how_much_it_has_read(tmp_path):
    world = three_people(tmp_path)
    assert world.run().success

    def sizes(*tables: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for table in tables:
            snapshot = world.lakehouse().read(table, CONTRACTS[table])
            assert snapshot is not None
            found |= snapshot.files.sizes
        return found

    listed = sum(sizes("accelerometer_landed_files").values())
    before = sizes("accelerometer_landing", "accelerometer_trusted")
    new = world.land("accelerometer", reading("ann@example.com", T0 + 7000), name="later.json")
    result = world.run(tables=["accelerometer_landing", "accelerometer_trusted"])
    now = sizes("accelerometer_landing", "accelerometer_trusted")
    added = {path: size for path, size in now.items() if path not in before}
    [landed] = [size for path, size in added.items() if "/accelerometer_landing/data/" in path]
    # The raw file, the list of those that had landed, and what was made of it, which is checked.
    assert metadata(result, "accelerometer_landing")["bytes_read"] == new.stat().st_size + listed + landed
    people = sum(sizes("customer_trusted", "customer_landing", "customer_quarantine").values())
    kept = sum(size for path, size in now.items() if "/accelerometer_trusted/data/" in path)
    # What is new, who agrees, and all that is kept of anybody, but for nothing else that had landed before.
    assert metadata(result, "accelerometer_trusted")["bytes_read"] == landed + people + kept
