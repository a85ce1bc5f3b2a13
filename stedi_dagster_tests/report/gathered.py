"""Reports on a scenario, and an erasure to tell of."""

from contextlib import nullcontext
from typing import Any

from stedi_dagster.erasure.digests import load_digester
from stedi_dagster.erasure.ledger import Erasure, Ledger
from stedi_dagster.report.facts import Facts
from stedi_dagster.report.gather import beginning, gather
from stedi_dagster_tests.scenario import Scenario


def begin_erasure(scenario: Scenario) -> Erasure:
    """An erasure of somebody, as one that a crash interrupts at once."""
    lakehouse = scenario.lakehouse()
    by = load_digester(lakehouse.home, make=True)
    assert by is not None
    ledger = Ledger(lakehouse)
    erasure = ledger.intended(by.of("zoe@example.com"), [], by)
    ledger.begin(erasure)
    return erasure


def facts_of(scenario: Scenario, since: str | None = None, **settings: Any) -> Facts:
    """What a report on a scenario says."""
    chosen = scenario.load_settings(**settings)
    return gather(chosen, scenario.lakehouse(), consistent_read=nullcontext(), since_ms=beginning(since))
