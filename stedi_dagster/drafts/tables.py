"""Drafting a trusted or curated table: select, stage, check."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from pyiceberg.table import Table
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate import consent
from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.contract import audit_contract
from stedi_dagster.audits.gate.distinct import distinct_rows
from stedi_dagster.audits.gate.reconciliation import CHECK as RECONCILIATION
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.gate.records import every_record
from stedi_dagster.audits.outcome import Outcome, run_audit
from stedi_dagster.contracts import Contract, CustomerLanding, CustomerTrusted, Quarantine
from stedi_dagster.drafts.audited import Findings
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.run import PARTICIPANTS, Run, engine_errors
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.policies.selection import DUPLICATE, REASON, Selection
from stedi_dagster.settings.policy import Policy

CUSTOMER_LANDING = "customer_landing"
CUSTOMER_QUARANTINE = "customer_quarantine"
CUSTOMER_TRUSTED = "customer_trusted"


@dataclass(frozen=True)
class CheckContext:
    """What a gate check may look at: the staged rows, the inputs they were made from, and all customer records.

    Of these, the unreadable ones count as refusals.
    """

    content: DataFrame
    inputs: Mapping[str, DataFrame]
    customers: DataFrame
    policy: Policy
    # What readers see of the table now; None where nothing is published that can be read.
    published: Callable[[], DataFrame | None]
    max_doubt: float
    # Who the participants are.
    participants: Callable[[], DataFrame]


GateCheck = Callable[[CheckContext], Outcome]


@dataclass(frozen=True)
class TablePlan:
    """How one table is drafted. The first of `inputs` is the one whose rows are reconciled."""

    contract: type[Contract]
    select: Callable[..., Selection]
    inputs: tuple[str, ...]
    checks: Mapping[str, GateCheck] = field(default_factory=dict)
    # Whether `select` also wants to know of the customer records that could not be read.
    wants_quarantine: bool = False
    # Whether `select` also wants `customer_trusted` where the policy keeps the step readings of all in it.
    wants_step_people: bool = False
    # Where a kept input row may become several: the columns that tell input rows apart in the new table.
    input_row: tuple[str, ...] = ()
    # Where kept input rows become one: the column that says how many they are.
    counted_in: str | None = None
    # Refuses inputs that the table cannot be made from.
    refuse: Callable[[Mapping[str, Snapshot]], None] = lambda _inputs: None

    @property
    def check_names(self) -> tuple[str, ...]:
        """The gate's checks, in the order in which they are recorded."""
        return (CONTRACT, *self.all_checks, RECONCILIATION)

    @property
    def all_checks(self) -> dict[str, GateCheck]:
        """The gate's checks besides the contract and the books: `checks`, and consent wherever a row is somebody's."""
        if not self.contract.identifying():
            return dict(self.checks)
        return {consent.CHECK: partial(_check_consent, self.contract), **self.checks}


def _check_consent(contract: type[Contract], on: CheckContext) -> Outcome:
    participants = on.participants() if contract.identifying("participant") else None
    return consent.audit_consent(on.content, contract, on.customers, policy=on.policy, participants=participants)


def draft_table(run: Run, plan: TablePlan, inputs: Mapping[str, Snapshot]) -> Draft:
    """Stage and check a table's rows; or, where nothing that they depend on is new, check what is published.

    Where nothing is new that the checks depend on either, they are not asked again: what they found is recorded.

    Args:
        run: the run; it holds the writer lock.
        plan: how the table is made.
        inputs: what it is made from, by the names in `plan.inputs`.

    Raises:
        EngineError: the engine did not do its work.
    """
    name = plan.contract.table()
    customers = inputs.get(CUSTOMER_LANDING) or run.read(CUSTOMER_LANDING, CustomerLanding)
    unreadable = run.read(CUSTOMER_QUARANTINE, Quarantine)
    rows_in = inputs[plan.inputs[0]].rows
    if plan.wants_quarantine:
        inputs = {**inputs, CUSTOMER_QUARANTINE: unreadable}
    if plan.wants_step_people and run.policy.step_people == "trusted":
        inputs = {**inputs, CUSTOMER_TRUSTED: run.read(CUSTOMER_TRUSTED, CustomerTrusted)}
    table = run.lakehouse.ensure_table(name, plan.contract)
    upstream = {key: snapshot.snapshot_id for key, snapshot in inputs.items()}
    rests_on = {CUSTOMER_LANDING: customers.snapshot_id, CUSTOMER_QUARANTINE: unreadable.snapshot_id}
    policy, code = run.policy.model_dump(), run.code_version(plan.contract)
    made_from = fingerprint({"upstream": upstream, "policy": policy, "code": code, "table": name})
    judged_by = dict(rests_on)
    if plan.contract.identifying("participant") and PARTICIPANTS not in inputs:
        judged_by[PARTICIPANTS] = run.read_participants().snapshot_id
    findings = Findings(run, plan.check_names, judged_by=judged_by, max_doubt=run.max_doubt)
    commit, different = run.unchanged(table, plan.contract, made_from), None
    drafted = partial(Draft, rows_in=rows_in, upstream={**upstream, **rests_on})
    if commit is not None and (earlier := findings.of_earlier(commit)):
        outcomes, run_id = earlier
        return drafted(commit, outcomes, withheld=commit.summary.withheld or {}, audited_in=run_id)
    if commit is None:
        plan.refuse(inputs)
    with engine_errors(f"computing {name}"):
        frames = {key: snapshot.frame(run.session) for key, snapshot in inputs.items()}
        if commit is None:
            summary = SnapshotSummary(
                inputs=made_from,
                run_id=run.run_id,
                code_version=code,
                policy=policy,
                upstream=upstream,
                rows_in=rows_in,
            )
            commit, different = _stage(run, plan, table, frames, summary)
        records = every_record(customers.frame(run.session), unreadable.frame(run.session))
        context = CheckContext(
            commit.files.frame(run.session),
            frames,
            records,
            run.policy,
            partial(_published, run, plan),
            run.max_doubt,
            lambda: frames[PARTICIPANTS] if PARTICIPANTS in frames else run.read_participants().frame(run.session),
        )
        found, kept = _check(run, plan, commit, context, different)
    withheld = commit.summary.withheld or {}
    found.append(
        audit_reconciliation(rows_in=rows_in, kept=kept, expected_kept=commit.summary.kept or 0, withheld=withheld)
    )
    findings.record(commit, found)
    return drafted(commit, tuple(found), withheld=withheld)


def _published(run: Run, plan: TablePlan) -> DataFrame | None:
    snapshot = run.readable(plan.contract.table(), plan.contract)
    return snapshot.frame(run.session) if snapshot else None


def _stage(
    run: Run, plan: TablePlan, table: Table, frames: Mapping[str, DataFrame], summary: SnapshotSummary
) -> tuple[Commit, int | None]:
    """Stage what the rules select, and record what they count; also, where it was counted, how many rows differ."""
    selection = plan.select(**frames, policy=run.policy)
    staged = run.lakehouse.stage(table, plan.contract)
    staged.write_frame(selection.kept)
    files = staged.files()
    counts = {row[REASON]: row["rows"] for row in selection.counts.collect()}
    kept: int = counts.pop(None, 0)
    withheld = dict(sorted(counts.items()))
    different = None
    frame = files.frame(run.session)
    if selection.once and files.rows and _has(frame, plan.contract.names()):
        different = distinct_rows(frame, plan.contract.names(), files.rows)
        # Re-deliveries are rare: the price of keeping one of each is paid only where there are any.
        if repeated := files.rows - different:
            staged.discard()
            staged = run.lakehouse.stage(table, plan.contract)
            staged.write_frame(selection.kept.distinct())
            files, different = staged.files(), None
            kept, withheld = kept - repeated, {**withheld, DUPLICATE: repeated}
    summary = summary.model_copy(update={"kept": kept, "withheld": withheld})
    return run.lakehouse.prepare(table, files, summary), different


def _check(
    run: Run, plan: TablePlan, commit: Commit, context: CheckContext, different: int | None
) -> tuple[list[Outcome], int]:
    """Run the checks side by side; return what they found, and how many input rows the staged rows keep."""
    checks: dict[str, Callable[[], Outcome]] = {
        CONTRACT: lambda: audit_contract(context.content, plan.contract, now_ms=run.now_ms, different=different),
        **{name: partial(check, context) for name, check in plan.all_checks.items()},
    }
    with ThreadPoolExecutor() as pool:
        outcomes = pool.map(run_audit, checks, checks.values())
        kept = commit.files.rows
        if plan.input_row and _has(context.content, plan.input_row):
            kept = distinct_rows(context.content, plan.input_row, commit.summary.kept or 0)
        if plan.counted_in and _has(context.content, [plan.counted_in]):
            kept = context.content.agg(F.sum(plan.counted_in)).collect()[0][0] or 0
        return list(outcomes), kept


def _has(frame: DataFrame, columns: Iterable[str]) -> bool:
    """Whether the columns are there; that they should be is for the contract's check to say."""
    return set(columns) <= set(frame.columns)
