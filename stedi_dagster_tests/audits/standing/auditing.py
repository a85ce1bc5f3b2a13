"""Ways to audit a scenario, and what an audit told."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from stedi_dagster_tests.scenario import Scenario, checks

Told = dict[str, dict[str, Any]]


Audited = Callable[..., tuple[int, Told]]


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
