"""Drafting a trusted or curated table: select, stage, audit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.checks.contract import CHECK as CONTRACT
from stedi_dagster.checks.contract import audit_contract
from stedi_dagster.checks.outcome import Outcome, run_audit
from stedi_dagster.checks.reconciliation import audit_reconciliation
from stedi_dagster.contracts import Contract, CustomerLanding
from stedi_dagster.drafts.run import Draft, Run, engine_errors
from stedi_dagster.lakehouse.lakehouse import Reading, fingerprint, summary
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.policies.policy import Policy
from stedi_dagster.policies.selection import REASON, Selection

CUSTOMER_LANDING = "customer_landing"


@dataclass(frozen=True)
class Evidence:
    """What an audit may look at: the staged content, the inputs it was made from, and the landed customers."""

    content: DataFrame
    inputs: Mapping[str, DataFrame]
    customer_landing: DataFrame
    policy: Policy


Audit = Callable[[Evidence], Outcome]


@dataclass(frozen=True)
class TableDraft:
    """How one table is drafted. The first of `inputs` is the one whose rows are reconciled."""

    contract: type[Contract]
    select: Callable[..., Selection]
    inputs: tuple[str, ...]
    audits: Mapping[str, Audit]
    # Where a kept input row may become several: the columns that tell input rows apart in the new table.
    input_row: tuple[str, ...] = ()


def draft_table(run: Run, plan: TableDraft, inputs: Mapping[str, Reading]) -> Draft:
    """Stage and audit a table's content; or, where nothing that it depends on has changed, audit what is published.

    Args:
        run: the run; it holds the writer lock.
        plan: how the table is made.
        inputs: what it is made from, by the names in `plan.inputs`.

    Raises:
        EngineError: the engine did not do its work.
    """
    name = plan.contract.table()
    customers = inputs.get(CUSTOMER_LANDING) or run.read(CUSTOMER_LANDING, CustomerLanding)
    table = run.lakehouse.ensure_table(name, plan.contract)
    upstream = {key: reading.snapshot_id for key, reading in inputs.items()}
    depends_on = fingerprint(
        {"upstream": upstream, "policy": run.policy.model_dump(), "code": run.code_version, "table": name}
    )
    publication = run.lakehouse.unchanged(table, plan.contract, depends_on)
    with engine_errors(f"computing {name}"):
        frames = {key: reading.frame(run.session) for key, reading in inputs.items()}
        if publication is None:
            staging = run.lakehouse.stage(table, plan.contract)
            selection = plan.select(**frames, policy=run.policy)
            staging.write_frame(selection.kept)
            content = staging.content()
            counts = {row[REASON]: row["rows"] for row in selection.counts.collect()}
        else:
            content = publication.content
            snapshot = table.current_snapshot()
            assert snapshot is not None  # noqa: S101 - `unchanged` found it
            counts = {None: summary(snapshot, "kept", 0), **summary(snapshot, "withheld", {})}
        expected = counts.pop(None, 0)
        evidence = Evidence(content.frame(run.session), frames, customers.frame(run.session), run.policy)
        outcomes = _audit(run, plan, content, evidence)
        kept = _input_rows(content, evidence.content, plan.input_row)
    rows_in = inputs[plan.inputs[0]].content.rows
    outcomes.append(audit_reconciliation(rows_in=rows_in, kept=kept, expected_kept=expected, withheld=counts))
    if publication is None:
        recorded = _properties(run, rows_in=rows_in, kept=kept, withheld=counts, upstream=upstream)
        publication = run.lakehouse.prepare(table, content, depends_on, recorded)
    return Draft(
        publication, rows_in, counts, tuple(outcomes), {**upstream, CUSTOMER_LANDING: customers.snapshot_id}
    )


def _audit(run: Run, plan: TableDraft, content: Content, evidence: Evidence) -> list[Outcome]:
    audits: dict[str, Callable[[], Outcome]] = {
        CONTRACT: lambda: audit_contract(evidence.content, content.contract, now_ms=run.now_ms)
    }
    for check, audit in plan.audits.items():
        audits[check] = lambda audit=audit: audit(evidence)  # type: ignore[misc]
    return [run_audit(check, audit) for check, audit in audits.items()]


def _input_rows(content: Content, frame: DataFrame, columns: tuple[str, ...]) -> int:
    if not columns:
        return content.rows
    return int(frame.agg(F.count_distinct(*(F.col(name) for name in columns))).collect()[0][0])


def _properties(run: Run, **counts: Any) -> dict[str, Any]:
    return {
        "run-id": run.run_id,
        "code-version": run.code_version,
        "policy": run.policy.model_dump(),
        **counts,
    }
