"""How tables become Dagster assets: their definition from the contract, their run from a draft."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import dagster as dg

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.reconciliation import CHECK as RECONCILIATION
from stedi_dagster.contracts import Contract
from stedi_dagster.defs.assets.presentation import Lineage, draft_metadata, rows_metadata
from stedi_dagster.defs.assets.specs import is_restricted, table_spec
from stedi_dagster.defs.audits.results import check_result
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.resources.lock import POOL
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.plan import (
    ACCELEROMETER_LANDING,
    CUSTOMER_LANDING,
    CUSTOMER_QUARANTINE,
    CUSTOMER_TRUSTED,
    TablePlan,
)
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.drafts.tables import draft_table
from stedi_dagster.drafts.withdrawn import delete_withdrawn
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.storage import storage_errors

# The key of the resource that is the IO manager.
IO_MANAGER = "tables"
CHECKS = {
    CONTRACT: "The content is what the table's contract says, column by column and row by row.",
    RECONCILIATION: "Rows in are rows kept plus rows withheld, by reason, plus records quarantined.",
    "quarantine": "No more of the feed's records are unreadable than the setting allows.",
    "volume": "The feed has not lost more of its records than the setting allows, and not all.",
    "consent": "No row is of a person who has not agreed to research.",
    "same_person": "No row pairs the readings of two people.",
    "evidence": "Readings of a serial number of several people are of whom evidence says, which is seldom wrong.",
    "doubt": "Not too many people are taken out only because a later record of theirs cannot be read.",
    "unique_person": "No person has two rows.",
    "serial_conflicts": "No serial number is carried by two people.",
}

Drafting = Callable[[Run, Mapping[str, Snapshot]], Draft]


def table_asset(plan: TablePlan, *, lineage: Lineage) -> dg.AssetsDefinition:
    """The asset of a trusted or curated table.

    Args:
        plan: how the table is drafted.
        lineage: upstream table and column by column.
    """
    contract = plan.contract
    return single_asset(
        table_spec(contract, lineage=lineage, rule=plan.select),
        inputs=plan.inputs,
        # Read by what it is made from, or by its audits, and not handed over as an input.
        also_reads=(
            CUSTOMER_LANDING,
            CUSTOMER_QUARANTINE,
            *([CUSTOMER_TRUSTED] if plan.wants_step_people else ()),
            *([ACCELEROMETER_LANDING] if plan.wants_evidence else ()),
            *([PARTICIPANTS] if contract.identifying("participant") else ()),
        ),
        checks=plan.check_names,
        drafting=lambda run, inputs: draft_table(run, plan, inputs),
    )


def single_asset(
    spec: dg.AssetSpec,
    *,
    inputs: Sequence[str],
    also_reads: Sequence[str],
    checks: Sequence[str] = (),
    drafting: Drafting,
) -> dg.AssetsDefinition:
    """An asset that drafts one table, and publishes through the IO manager what passed its checks.

    Args:
        spec: the table's.
        inputs: the tables that it is made from.
        also_reads: the tables that are read besides.
        checks: the names of the gate's checks.
        drafting: makes the draft. Where it fails, or its draft is blocked, people who withdrew are taken out.
    """
    name = spec.key.path[-1]

    @dg.multi_asset(
        name=name,
        outs={name: dg.AssetOut.from_spec(spec, io_manager_key=IO_MANAGER)},
        ins={upstream: dg.AssetIn(dg.AssetKey(upstream)) for upstream in inputs},
        deps=[upstream for upstream in also_reads if upstream not in inputs],
        check_specs=check_specs(spec.key, checks),
        pool=POOL,
    )
    def table(
        context: dg.AssetExecutionContext, run: RunResource, **inputs: Snapshot
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:  # type: ignore[type-arg]
        def careful(begun: Run) -> Draft:
            try:
                draft = drafting(begun, inputs)
            except StediError:
                warn_of(delete_withdrawn(begun), context)
                raise
            if draft.blocked:
                warn_of(delete_withdrawn(begun), context)
            return draft

        started = time.perf_counter()
        draft = made(name, run, careful)
        yield from refused(spec.key, draft)
        yield published(spec, draft, run, started)

    return table


def check_specs(key: dg.AssetKey, checks: Sequence[str]) -> list[dg.AssetCheckSpec]:
    """The gate's checks of a table, which block what is made from it."""
    return [dg.AssetCheckSpec(check, asset=key, description=CHECKS[check], blocking=True) for check in checks]


def made(name: str, resource: RunResource, drafting: Callable[[Run], Draft]) -> Draft:
    """A table's draft, ready to be published; or blocked, and then nothing of it is left.

    Args:
        name: the table's.
        resource: the run.
        drafting: makes it.
    """
    try:
        with storage_errors(f"making {name}"):
            run = resource.begin()
            with run.lakehouse.storage.noting_reads() as reads:
                draft = drafting(run)
            for commit in draft.commits:
                if not draft.blocked:
                    _ = commit.snapshot_id  # prepares it
                elif not commit.unchanged:
                    run.lakehouse.discard(commit)
    except StediError as error:
        raise failure(error) from None
    return replace(draft, counted={**draft.counted, "bytes_read": sum(reads.values())})


def refused(key: dg.AssetKey, draft: Draft) -> Iterator[dg.AssetCheckResult]:
    """What the gate's checks say of a draft that one of them blocks; nothing of one that is to be published.

    Raises:
        Failure: one of them blocks it.
    """
    if draft.blocked:
        yield from (check_result(outcome, key) for outcome in draft.outcomes)
        failed = [outcome.check for outcome in draft.outcomes if outcome.blocks]
        what = "a check" if len(failed) == 1 else "checks"
        raise dg.Failure(
            description=f"{key.path[-1]} is not published, because {what} failed: {', '.join(failed)}. Readers keep "
            "the last good snapshot; each failed check tells how many rows break which rule.",
            allow_retries=False,
        )


def published(spec: dg.AssetSpec, draft: Draft, resource: RunResource, started: float) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The result of a draft, which the IO manager publishes.

    Args:
        spec: the table's.
        draft: what is to be published.
        resource: the run.
        started: when its making began, of the clock `time.perf_counter`.
    """
    metadata = draft_metadata(draft, time.perf_counter() - started)
    if not is_restricted(spec):
        metadata |= rows_metadata(draft, resource.policy.policy())
    return dg.MaterializeResult(
        asset_key=spec.key,
        value=draft,
        # With the result, and not before: so they are of this materialization for Dagster.
        check_results=[check_result(outcome, spec.key, audited_in=draft.audited_in) for outcome in draft.outcomes],
        data_version=dg.DataVersion(str(draft.commit.summary.same_since or draft.commit.snapshot_id)),
        metadata={
            **metadata,
            **{name: spec.metadata[name] for name in ("dagster/column_schema", "dagster/column_lineage")},
        },
    )


def warn_of(rows: int, context: dg.AssetExecutionContext) -> None:
    """Say that rows were taken out of the tables because one could not be made."""
    if rows:
        context.log.warning(
            "It could not be made; %d rows of people who no longer agree are taken out of all tables", rows
        )


def same_columns(contract: type[Contract], upstream: str) -> Lineage:
    """The lineage of a table whose columns are its main input's."""
    return {name: (upstream, name) for name in contract.names()}
