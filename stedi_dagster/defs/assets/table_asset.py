"""How a table becomes a Dagster asset: its definition from the contract, its run from a draft."""

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.reconciliation import CHECK as RECONCILIATION
from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import Contract
from stedi_dagster.defs.assets.presentation import (
    Lineage,
    check_result,
    column_lineage,
    column_schema,
    draft_metadata,
    tags,
)
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.resources.lock import POOL
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.run import Run
from stedi_dagster.drafts.tables import TablePlan, draft_table
from stedi_dagster.drafts.withdrawn import delete_withdrawn
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.storage import storage_errors

OWNER = "team:data-platform"
CHECKS = {
    CONTRACT: "The content is what the table's contract says, column by column and row by row.",
    RECONCILIATION: "Rows in are rows kept plus rows withheld, by reason, plus records quarantined.",
    "quarantine": "No more of the feed's records are unreadable than the setting allows.",
    "volume": "The feed has not lost more of its records than the setting allows, and not all.",
    "consent": "No row is of a person who has not agreed to research.",
    "same_person": "No row pairs the readings of two people.",
    "doubt": "Not too many people are taken out only because a later record of theirs cannot be read.",
    "unique_person": "No person has two rows.",
    "serial_conflicts": "No serial number is carried by two people.",
}

Drafting = Callable[[dg.AssetExecutionContext, RunResource, Mapping[str, Snapshot]], Draft]


def table_asset(plan: TablePlan, *, lineage: Lineage, drafting: Drafting | None = None) -> dg.AssetsDefinition:
    """The asset of a trusted or curated table.

    Args:
        plan: how the table is drafted.
        lineage: upstream table and column by column.
        drafting: how to draft it, where there is more to do than `draft_table`.
    """

    def careful(context: dg.AssetExecutionContext, resource: RunResource, inputs: Mapping[str, Snapshot]) -> Draft:
        run = resource.begin()
        try:
            draft = drafting(context, resource, inputs) if drafting else draft_table(run, plan, inputs)
        except StediError:
            warn_of(delete_withdrawn(run), context)
            raise
        if draft.blocked:
            warn_of(delete_withdrawn(run), context)
        return draft

    return build_asset(
        plan.contract,
        inputs=plan.inputs,
        checks=(CONTRACT, *plan.all_checks, RECONCILIATION),
        lineage=lineage,
        drafting=careful,
    )


def build_asset(
    contract: type[Contract],
    *,
    inputs: Sequence[str],
    checks: Sequence[str],
    lineage: Lineage,
    drafting: Drafting,
) -> dg.AssetsDefinition:
    """An asset that drafts, and publishes through the IO manager what passed its audits."""
    name = contract.table()
    key = dg.AssetKey(name)

    @dg.asset(
        key=key,
        group_name=contract.layer(),
        ins={upstream: dg.AssetIn(dg.AssetKey(upstream)) for upstream in inputs},
        io_manager_key="tables",
        pool=POOL,
        kinds={"iceberg", "pyspark", "pandera"},
        owners=[OWNER],
        tags=tags(contract),
        description=inspect.cleandoc(contract.__doc__ or ""),
        code_version=code_version(contract),
        metadata={
            "dagster/column_schema": column_schema(contract, lineage),
            "dagster/column_lineage": column_lineage(lineage),
        },
        check_specs=[dg.AssetCheckSpec(check, asset=key, description=CHECKS[check], blocking=True) for check in checks],
        automation_condition=dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed(),
    )
    def table(
        context: dg.AssetExecutionContext, run: RunResource, **inputs: Snapshot
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:  # type: ignore[type-arg]
        started = time.perf_counter()
        try:
            with storage_errors(f"making {name}"):
                begun = run.begin()
                draft = drafting(context, run, inputs)
                if draft.blocked:
                    _refuse(begun, draft)
                snapshot_id = None if draft.blocked else draft.commit.snapshot_id
        except StediError as error:
            raise failure(error) from None
        results = [check_result(outcome, key) for outcome in draft.outcomes]
        if draft.blocked:
            yield from results
            failed = ", ".join(outcome.check for outcome in draft.outcomes if outcome.blocks)
            raise dg.Failure(
                description=f"{name} is not published, because its audit failed: {failed}. Readers keep the last good "
                "snapshot; the failed check tells how many rows break which rule.",
                allow_retries=False,
            )
        yield dg.MaterializeResult(
            value=draft,
            check_results=results,
            data_version=dg.DataVersion(str(snapshot_id)),
            metadata={
                **draft_metadata(draft, begun.policy, time.perf_counter() - started),
                "dagster/column_schema": column_schema(contract, lineage),
                "dagster/column_lineage": column_lineage(lineage),
            },
        )

    return table


def warn_of(rows: int, context: dg.AssetExecutionContext) -> None:
    """Say that rows were taken out of the tables because one could not be made."""
    if rows:
        context.log.warning(
            "It could not be made; %d rows of people who no longer agree are taken out of all tables", rows
        )


def same_columns(contract: type[Contract], upstream: str) -> Lineage:
    """The lineage of a table whose columns are its main input's."""
    return {name: (upstream, name) for name in contract.names()}


def _refuse(run: Run, draft: Draft) -> None:
    for commit in draft.commits:
        if not commit.unchanged:
            run.lakehouse.discard(commit)
