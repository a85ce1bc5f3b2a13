"""A table that cannot be made anew keeps nobody in any table who withdrew, whatever the trouble is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stedi_dagster.errors import EngineError
from stedi_dagster_tests.defs.assets.builders import keeping, orphans, plant
from stedi_dagster_tests.scenario import SELECTED, T0, Scenario, customer, reading, step

PEOPLE = [f"p{number}@example.com" for number in range(5)]


@contextmanager
def refused_feed(scenario: Scenario, _monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    junk = scenario.land_text("step_trainer", "junk\n" * 99, name="junk.txt")
    yield
    junk.unlink()


@contextmanager
def failed_audit(_scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as planted:
        plant(planted, "accelerometer_trusted", keeping(lambda kept, _frames: kept.union(kept)))
        yield


@contextmanager
def failed_engine(_scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(*_: Any) -> Any:
        raise EngineError("The engine is gone.")

    with monkeypatch.context() as planted:
        plant(planted, "step_trainer_trusted", fail)
        yield


@contextmanager
def failed_landing(_scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(*_: Any, **__: Any) -> Any:
        raise EngineError("The engine is gone.")

    with monkeypatch.context() as planted:
        planted.setattr("stedi_dagster.defs.assets.landing.draft_landing", fail)
        yield


Trouble = Callable[[Scenario, pytest.MonkeyPatch], Any]


def test_who_withdrew_goes_and_nobody_else(tmp_path: Path, sail_url: str, monkeypatch: pytest.MonkeyPatch):
    scenario = Scenario(tmp_path, {"engine": sail_url})
    scenario.land("customer", *map(customer, PEOPLE))
    scenario.land("accelerometer", *map(reading, PEOPLE))
    scenario.land("step_trainer", *(step(f"serial-of-{person}") for person in PEOPLE))
    assert scenario.run().success
    before = {table: set(scenario.rows(table)) for table in SELECTED}
    numbers = dict(scenario.query("SELECT email, participantId FROM participants"))
    gone: set[str] = set()
    troubles: tuple[Trouble, ...] = (refused_feed, failed_audit, failed_engine, failed_landing)
    for person, trouble in zip(PEOPLE, troubles, strict=False):
        gone |= {person, f"serial-of-{person}", numbers[person]}
        scenario.land("customer", customer(person, agreed=None, lastUpdateDate=T0 + 5000), name=f"{person}.json")
        with trouble(scenario, monkeypatch):
            result: dg.ExecuteInProcessResult = scenario.run()
            assert not result.success, trouble
        for table in SELECTED:
            assert set(scenario.rows(table)) == {row for row in before[table] if not gone & set(row)}, (trouble, table)
        assert orphans(scenario) == set()
    assert scenario.run().success
    for table in SELECTED:
        assert len(scenario.rows(table)) == 1, table
