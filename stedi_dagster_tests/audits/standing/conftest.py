"""Everybody, published; ways to audit them."""

import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from stedi_dagster_tests.cli.conftest import Stedi, stedi  # noqa: F401 - a fixture
from stedi_dagster_tests.scenario import Scenario, checks
from stedi_dagster_tests.sql.worlds import everybody

Told = dict[str, dict[str, Any]]
Audited = Callable[..., tuple[int, Told]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    """Everybody, published under the default rules."""
    scenario = everybody(tmp_path_factory.mktemp("everybody"), engine=sail_url)
    assert scenario.run().success
    return scenario


@pytest.fixture
def audited(stedi: Stedi) -> Audited:  # noqa: F811
    """Run `stedi audit --json` on a scenario; return its exit code, and what it told by audit."""

    def audit(scenario: Scenario, **settings: Any) -> tuple[int, Told]:
        where = {"home": scenario.home, "landing": scenario.landing, "max_bad_share": 0.5}
        result = stedi("audit", "--json", **where, **settings)
        told = json.loads(result.stdout)
        assert told["passed"] is (result.exit_code == 0), result.output
        return result.exit_code, {audit["audit"]: audit for audit in told["audits"]}

    return audit


def found(told: Told, audit: str) -> list[tuple[str, str, int]]:
    """What `stedi audit` told of one audit."""
    return [(finding["table"], finding["problem"], finding["rows"]) for finding in told[audit]["findings"]]


def audit_job(
    scenario: Scenario, instance: dg.DagsterInstance | None = None, **settings: Any
) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    """Run Dagster's job `audit`; return its evaluations by table and check."""
    result = scenario.run(instance, job="audit", **settings)
    assert result.success
    return checks(result)
