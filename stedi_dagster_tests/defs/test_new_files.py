"""The sensor `new_landing_files`: what has not landed is run, and nothing else is."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg
import pyarrow as pa
import pytest

from stedi_dagster.contracts import LandedFiles
from stedi_dagster.drafts.landed_files import not_landed
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import Listing, list_files
from stedi_dagster_tests.defs.assets.builders import three_people
from stedi_dagster_tests.defs.watching import Watch
from stedi_dagster_tests.scenario import T0, Scenario, reading


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    return three_people(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_new_files_are_run_until_they_have_landed(scenario, instance):
    watch = Watch(scenario)
    [first] = watch.tick()
    # Dagster starts one run for one key.
    assert watch.tick() == [first]
    assert scenario.run(instance).success
    assert watch.tick() == []
    assert watch.skipped == "Every file has landed."
    assert watch.tick() == []
    assert watch.skipped == "No file is new."
    scenario.land("accelerometer", reading(at=T0 + 9000), name="part-2.json")
    [second] = watch.tick()
    assert second != first


def test_a_run_that_fails_is_asked_for_again_in_another_hour(scenario, monkeypatch):
    watch = Watch(scenario)
    [first] = watch.tick()

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=1)

    monkeypatch.setattr("stedi_dagster.defs.sensors.datetime", Later)
    [again] = watch.tick()
    assert again != first


@pytest.mark.parametrize("feed", ["customer", "accelerometer", "step_trainer"])
def test_a_file_that_changes_or_goes_is_a_change_in_every_feed(three_published, feed):
    watch = Watch(three_published)
    assert watch.tick() == []
    path = three_published.landing / feed / "landing" / "part-1.json"
    text = path.read_text()
    # The same bytes at another time are the same file.
    os.utime(path, ns=(1, 1))
    assert watch.tick() == []
    path.write_text(text.replace("1", "2", 1))
    assert len(watch.tick()) == 1
    path.unlink()
    assert len(watch.tick()) == 1


def test_among_many_files_the_one_that_is_new_is_found(three_published, monkeypatch):
    """A hundred thousand that have landed, as the table and the listing tell of them."""
    feed, many = FEEDS["accelerometer_landing"], 100_000
    lakehouse = three_published.lakehouse()
    listing = list_files(str(three_published.landing), feed)
    [one] = listing.files
    files = [replace(one, name=f"{feed.folder}/{number}.json", version=str(number)) for number in range(many)]
    known = lakehouse.read(feed.landed_files, LandedFiles).files
    [row] = pa.Table.from_batches(known.batches(LandedFiles.names())).to_pylist()
    rows = [row | {"key": file.key, "version": file.version, "size": file.size} for file in files]
    schema = arrow_schema(LandedFiles)
    monkeypatch.setattr(DataFiles, "batches", lambda *_: pa.Table.from_pylist(rows, schema).to_batches())
    records = lakehouse.read(feed.contract.table(), feed.contract)
    [(name, batch)] = records.summary.landed.batches.items()
    batches = {name: batch.model_copy(update={"files": many})}
    landed = records.summary.landed.model_copy(update={"batches": batches})
    monkeypatch.setattr(Snapshot, "summary", records.summary.model_copy(update={"landed": landed}))
    assert not_landed(lakehouse, feed, Listing(tuple(files), (), listing.location), 0) == 0
    files.append(replace(one, name=f"{feed.folder}/new.json"))
    assert not_landed(lakehouse, feed, Listing(tuple(files), (), listing.location), 0) == 1


def test_new_files_are_observed_where_lineage_begins(scenario):
    watch = Watch(scenario)
    data = watch.sensor.evaluate_tick(dg.build_sensor_context())
    listed = {f"{feed.name}_feed": list_files(str(scenario.landing), feed).digest() for feed in FEEDS.values()}
    observed = {
        event.asset_key.path[-1]: event.data_version
        for event in data.asset_events
        if isinstance(event, dg.AssetObservation)
    }
    assert observed == listed


def test_markers_start_no_run(three_published):
    watch = Watch(three_published)
    watch.tick()
    three_published.land_text("customer", "", name="_SUCCESS")
    assert watch.tick() == []
    assert watch.skipped == "No file is new."


def test_a_landing_zone_that_is_missing_is_said_and_starts_no_run(scenario):
    watch = Watch(scenario)
    shutil.rmtree(scenario.landing)
    assert watch.tick() == []
    assert "does not exist" in str(watch.skipped)
