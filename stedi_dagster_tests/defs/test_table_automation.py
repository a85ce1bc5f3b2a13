"""The sensor `table_automation`: what is made by itself when what it is made from is new, and what is not."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster_tests.defs.assets.builders import (
    keeping,
    materialize,
    plant,
    three_people,
)
from stedi_dagster_tests.scenario import T0, Scenario, reading


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    return three_people(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def defs_of(scenario: Scenario) -> dg.Definitions:
    return build_defs(scenario.load_settings())


class Automation:
    """The automation conditions, evaluated as the daemon does."""

    def __init__(self, scenario: Scenario, instance: dg.DagsterInstance) -> None:
        self.scenario, self.instance = scenario, instance
        self.cursor: Any = None
        self.tick()

    def tick(self) -> set[str]:
        """The tables that are to be materialized now."""
        result = dg.evaluate_automation_conditions(
            defs=defs_of(self.scenario), instance=self.instance, cursor=self.cursor
        )
        self.cursor = result.cursor
        return {key.path[-1] for key in map(dg.AssetKey, TABLES) if result.get_num_requested(key)}


def test_a_feed_that_is_new_has_what_is_made_from_it_made(scenario, instance):
    def observe() -> None:
        assert scenario.run(instance, job="observe_feeds").success

    observe()
    assert scenario.run(instance).success
    automation = Automation(scenario, instance)
    observe()
    assert automation.tick() == set()
    scenario.land("accelerometer", reading(at=T0 + 9000), name="part-2.json")
    observe()
    assert "accelerometer_landing" in automation.tick()
    assert automation.tick() == set()


def test_a_table_waits_until_the_audits_of_what_it_is_made_from_pass(scenario, monkeypatch):
    with dg.DagsterInstance.ephemeral() as instance:
        assert scenario.run(instance).success
        automation = Automation(scenario, instance)
        assert automation.tick() == set()

        plant(monkeypatch, "customer_trusted", keeping(lambda kept, _frames: kept.union(kept)))
        assert not materialize(scenario, instance, "customer_trusted").success
        scenario.land("accelerometer", reading(at=T0 + 9000), name="part-2.json")
        assert materialize(scenario, instance, "accelerometer_landing").success
        assert automation.tick() == set()

        monkeypatch.undo()
        assert materialize(scenario, instance, "customer_trusted").success
        assert "accelerometer_trusted" in automation.tick()
        assert automation.tick() == set()
