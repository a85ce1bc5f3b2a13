"""Everybody, published; an erasure that is done; and their report."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.erasure.digests import digester
from stedi_dagster.erasure.ledger import Erasure, Ledger
from stedi_dagster.report.facts import Facts
from stedi_dagster.report.gather import beginning, gather
from stedi_dagster.report.page import render
from stedi_dagster_tests.cli.conftest import stedi  # noqa: F401 - a fixture
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.sql.worlds import everybody


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    """Everybody, published under the default rules; tests leave it as it is."""
    scenario = everybody(tmp_path_factory.mktemp("everybody"), engine=sail_url)
    scenario.land_text("customer", "{", name="of zoe@example.com.json")
    assert scenario.run().success
    ledger = Ledger(scenario.lakehouse())
    ledger.complete(begin_erasure(scenario))
    return scenario


@pytest.fixture(scope="module")
def page(world: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(render(facts_of(world)), encoding="utf-8")
    return file


def begin_erasure(scenario: Scenario) -> Erasure:
    """An erasure of somebody, as one that a crash interrupts at once."""
    lakehouse = scenario.lakehouse()
    by = digester(lakehouse.home, make=True)
    assert by is not None
    ledger = Ledger(lakehouse)
    erasure = ledger.intended(by.of("zoe@example.com"), [], by)
    ledger.begin(erasure)
    return erasure


def facts_of(scenario: Scenario, since: str | None = None, **settings: Any) -> Facts:
    """What a report on a scenario says."""
    chosen = scenario.load_settings(**settings)
    return gather(chosen, scenario.lakehouse(), consistent_read=nullcontext(), since_ms=beginning(since))
