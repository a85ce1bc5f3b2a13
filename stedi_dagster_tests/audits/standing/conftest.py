"""Everybody, published; ways to audit them."""

import json
from typing import Any

import pytest

from stedi_dagster_tests.audits.standing.auditing import Audited, Told
from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.sql.worlds import everybody


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    """Everybody, published under the default rules."""
    scenario = everybody(tmp_path_factory.mktemp("everybody"), engine=sail_url)
    assert scenario.run().success
    return scenario


@pytest.fixture
def audited(stedi: Stedi) -> Audited:
    """Run `stedi audit --json` on a scenario; return its exit code, and what it told by audit."""

    def audit(scenario: Scenario, **settings: Any) -> tuple[int, Told]:
        where = {"home": scenario.home, "landing": scenario.landing, "max_bad_share": 0.5}
        result = stedi("audit", "--json", **where, **settings)
        told = json.loads(result.stdout)
        assert told["passed"] is (result.exit_code == 0), result.output
        return result.exit_code, {audit["audit"]: audit for audit in told["audits"]}

    return audit
