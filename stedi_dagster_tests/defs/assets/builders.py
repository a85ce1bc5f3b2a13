"""A small world of three people, runs of single tables, and faults planted into how a table is selected."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pyiceberg.table import Table
from pyspark.sql import DataFrame

from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.assets import table_asset
from stedi_dagster.drafts.tables import draft_table
from stedi_dagster.lakehouse.origin.identity import NAME
from stedi_dagster.lakehouse.orphans import reachable_files
from stedi_dagster.lakehouse.query import connect
from stedi_dagster.policies.selection import Selection
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

ANN, BOB, CID = "ann@example.com", "bob@example.com", "cid@example.com"
# What the steps of the landing tables make besides.
QUARANTINES = {"customer_quarantine", "accelerometer_quarantine", "step_trainer_quarantine"}
LANDED_FILES = {"customer_landed_files", "accelerometer_landed_files", "step_trainer_landed_files"}
DOWNSTREAM = {
    "customer_landing": {"customer_trusted", "step_trainer_trusted"},
    "customer_trusted": {"accelerometer_trusted", "customers_curated"},
    "accelerometer_trusted": {"customers_curated", "machine_learning_curated"},
    "customers_curated": {"step_trainer_trusted", "machine_learning_curated"},
    "step_trainer_trusted": {"machine_learning_curated"},
}

Change = Callable[[Selection, dict[str, DataFrame]], Selection]


def three_people(folder: Path) -> Scenario:
    """Ann and Cid agreed, Bob did not; all three stepped, Ann and Cid at the same times."""
    return land_three_people(Scenario(folder))


def land_three_people(scenario: Scenario) -> Scenario:
    """See `three_people`."""
    scenario.land("customer", customer(ANN), customer(BOB, agreed=None), customer(CID))
    times = (T0 + 1000, T0 + 2000)
    scenario.land(
        "accelerometer", *(reading(who, at, x=float(n)) for n, who in enumerate((ANN, BOB, CID)) for at in times)
    )
    scenario.land("step_trainer", *(step(f"serial-of-{who}", at) for who in (ANN, BOB, CID) for at in times))
    return scenario


def materialize(
    scenario: Scenario, instance: dg.DagsterInstance, *tables: str, **overrides: Any
) -> dg.ExecuteInProcessResult:
    """Materialize some tables only; a failure is in the result."""
    return scenario.run(instance, tables=tables, **overrides)


def plant(monkeypatch: pytest.MonkeyPatch, table: str, change: Change) -> None:
    """Let new code select a table wrongly: `change` is given the right selection and the inputs."""

    def draft(run: Any, plan: Any, inputs: Any) -> Any:
        select = plan.select
        if plan.contract.table() == table:
            plan = replace(plan, select=lambda policy, **frames: change(select(policy=policy, **frames), frames))
        return draft_table(run, plan, inputs)

    monkeypatch.setattr(table_asset, "draft_table", draft)
    monkeypatch.setattr(
        "stedi_dagster.defs.resources.run.code_version",
        lambda contract: "planted" if contract.table() == table else code_version(contract),
    )


def keeping(change: Callable[..., DataFrame]) -> Change:
    """A change of the rows that are kept, behind the back of the counts."""
    return lambda selection, frames: replace(selection, kept=change(selection.kept, frames))


def tables(scenario: Scenario) -> list[Table]:
    """Every table of the catalog, published or not, the restricted ones too."""
    lakehouse = scenario.lakehouse()
    return [
        lakehouse.catalog.load_table(name)
        for namespace in (lakehouse.database, lakehouse.restricted)
        for name in lakehouse.catalog.list_tables(namespace)
    ]


def snapshots(scenario: Scenario) -> dict[str, int]:
    """The current snapshot of every published table."""
    found = {table.name()[-1]: table.current_snapshot() for table in tables(scenario)}
    return {name: snapshot.snapshot_id for name, snapshot in found.items() if snapshot is not None}


def contents(scenario: Scenario) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every published table, but for those that say when and how raw files have landed."""
    with connect(scenario.lakehouse()) as connection:
        return {
            name: connection.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall()
            for name in snapshots(scenario).keys() - LANDED_FILES
        }


def files(scenario: Scenario) -> set[str]:
    """Every file in the warehouse, of a table or not."""
    return scenario.files()


def orphans(scenario: Scenario) -> set[str]:
    """Files in the warehouse that no table leads to, but for the one that says whose it is."""
    left = files(scenario).difference(*(reachable_files(table) for table in tables(scenario)))
    return {path for path in left if not path.endswith(f"/warehouse/{NAME}")}


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    """The tables of the eight that a run materialized."""
    made = {event.asset_key for event in result.get_asset_materialization_events() if event.asset_key is not None}
    return {key.path[-1] for key in made} & TABLES.keys()


def metadata(result: dg.ExecuteInProcessResult, table: str, *, step: str | None = None) -> dict[str, Any]:
    """What a run recorded with a table's materialization, which a step of another name may have made."""
    made = result.asset_materializations_for_node(step or table)
    [materialization] = [each for each in made if each.asset_key == dg.AssetKey(table)]
    return {key: value.value for key, value in materialization.metadata.items()}


def failure(result: dg.ExecuteInProcessResult, table: str) -> str:
    """How a run says why a table was not published."""
    [event] = [event for event in result.get_step_failure_events() if event.step_key == table]
    failed = event.step_failure_data
    assert failed.user_failure_data is not None, failed.error_display_string
    return str(failed.user_failure_data.description)


def below(table: str) -> set[str]:
    """Every table that is made, also indirectly, from a table."""
    found = set(DOWNSTREAM.get(table, ()))
    for name in tuple(found):
        found |= below(name)
    return found
