"""Somebody else who publishes while a run drafts."""

from typing import Any

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster_tests.scenario import Scenario


def overtake(monkeypatch: pytest.MonkeyPatch, scenario: Scenario, at: str, overtaken: str) -> None:
    """While a run drafts the table `at`, let somebody who holds another lock publish the table `overtaken`."""
    from stedi_dagster.defs.assets import table_asset
    from stedi_dagster.drafts.tables import draft_table

    def draft(run: Any, plan: Any, inputs: Any) -> Any:
        drafted = draft_table(run, plan, inputs)
        if plan.contract.table() == at:
            elsewhere = scenario.lakehouse()
            table = elsewhere.ensure_table(overtaken, TABLES[overtaken])
            staged = StagedTable(TABLES[overtaken], table.location(), elsewhere.storage)
            elsewhere.prepare(table, staged.files(), SnapshotSummary(inputs="elsewhere")).publish()
        return drafted

    monkeypatch.setattr(table_asset, "draft_table", draft)
