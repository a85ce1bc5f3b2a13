"""Everybody, published; an erasure that is done; and their report."""

from pathlib import Path

import pytest

from stedi_dagster.erasure.ledger import Ledger
from stedi_dagster.report.page import render
from stedi_dagster_tests.report.gathered import begin_erasure, facts_of
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
