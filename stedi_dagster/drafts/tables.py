"""Drafting a trusted or curated table: select, stage, audit."""

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
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.gate.records import every_record
from stedi_dagster.audits.outcome import Outcome, run_audit
from stedi_dagster.contracts import Contract, CustomerLanding, CustomerTrusted, Quarantine
from stedi_dagster.drafts.run import PARTICIPANTS, Draft, Run, engine_errors
from stedi_dagster.lakehouse.publish import Publication
from stedi_dagster.lakehouse.published import Reading
from stedi_dagster.lakehouse.recorded import fingerprint, summary
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.policies.selection import DUPLICATE, REASON, Selection
from stedi_dagster.settings.policy import Policy

CUSTOMER_LANDING = "customer_landing"
CUSTOMER_QUARANTINE = "customer_quarantine"
CUSTOMER_TRUSTED = "customer_trusted"


@dataclass(frozen=True)
class Evidence:
    """What an audit may look at: the staged content, the inputs it was made from, and all customer records.

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


Audit = Callable[[Evidence], Outcome]


@dataclass(frozen=True)
class TableDraft:
    """How one table is drafted. The first of `inputs` is the one whose rows are reconciled."""

    contract: type[Contract]
    select: Callable[..., Selection]
    inputs: tuple[str, ...]
    audits: Mapping[str, Audit] = field(default_factory=dict)
    # Whether `select` also wants to know of the customer records that could not be read.
    wants_quarantine: bool = False
    # Whether `select` also wants `customer_trusted` where the policy keeps the step readings of all in it.
    wants_step_people: bool = False
    # Where a kept input row may become several: the columns that tell input rows apart in the new table.
    input_row: tuple[str, ...] = ()
    # Where kept input rows become one: the column that says how many they are.
    counted_in: str | None = None

    @property
    def checks(self) -> dict[str, Audit]:
        """The gate's checks besides the contract and the books: `audits`, and consent wherever a row is somebody's."""
        if not self.contract.identifying():
            return dict(self.audits)
        return {consent.CHECK: partial(_audit_consent, self.contract), **self.audits}


def _audit_consent(contract: type[Contract], on: Evidence) -> Outcome:
    participants = on.participants() if contract.identifying("participant") else None
    return consent.audit_consent(on.content, contract, on.customers, policy=on.policy, participants=participants)


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
    unreadable = run.read(CUSTOMER_QUARANTINE, Quarantine)
    rows_in = inputs[plan.inputs[0]].content.rows
    if plan.wants_quarantine:
        inputs = {**inputs, CUSTOMER_QUARANTINE: unreadable}
    if plan.wants_step_people and run.policy.step_people == "trusted":
        inputs = {**inputs, CUSTOMER_TRUSTED: run.read(CUSTOMER_TRUSTED, CustomerTrusted)}
    table = run.lakehouse.ensure_table(name, plan.contract)
    upstream = {key: reading.snapshot_id for key, reading in inputs.items()}
    depends_on = fingerprint(
        {
            "upstream": upstream,
            "policy": run.policy.model_dump(),
            "code": run.code_version(plan.contract),
            "table": name,
        }
    )
    publication = run.unchanged(table, plan.contract, depends_on)
    with engine_errors(f"computing {name}"):
        frames = {key: reading.frame(run.session) for key, reading in inputs.items()}
        staged = _staged_before(publication, table) if publication else _stage(run, plan, table, frames)
        content, withheld = staged.content, staged.withheld
        records = every_record(customers.frame(run.session), unreadable.frame(run.session))
        evidence = Evidence(
            content.frame(run.session),
            frames,
            records,
            run.policy,
            partial(_published, run, plan),
            run.max_doubt,
            lambda: frames[PARTICIPANTS] if PARTICIPANTS in frames else run.read_participants().frame(run.session),
        )
        outcomes, kept = _audit(run, plan, staged, evidence)
    outcomes.append(audit_reconciliation(rows_in=rows_in, kept=kept, expected_kept=staged.expected, withheld=withheld))
    if publication is None:
        recorded = {
            "run-id": run.run_id,
            "code-version": run.code_version(plan.contract),
            "policy": run.policy.model_dump(),
            "upstream": upstream,
            "rows-in": rows_in,
            "kept": kept,
            "withheld": withheld,
        }
        publication = run.lakehouse.prepare(table, content, depends_on, recorded)
    rests_on = {CUSTOMER_LANDING: customers.snapshot_id, CUSTOMER_QUARANTINE: unreadable.snapshot_id}
    return Draft(publication, rows_in, withheld, tuple(outcomes), {**upstream, **rests_on})


def _published(run: Run, plan: TableDraft) -> DataFrame | None:
    reading = run.readable(plan.contract.table(), plan.contract)
    return reading.frame(run.session) if reading else None


@dataclass(frozen=True)
class _Staged:
    """Content with what the rules say of it: how many input rows it keeps, and the withheld by reason."""

    content: Content
    expected: int
    withheld: dict[str, int]
    # How many different rows the content has, where that was counted.
    different: int | None = None


def _stage(run: Run, plan: TableDraft, table: Table, frames: Mapping[str, DataFrame]) -> _Staged:
    selection = plan.select(**frames, policy=run.policy)
    staging = run.lakehouse.stage(table, plan.contract)
    staging.write_frame(selection.kept)
    content = staging.content()
    counts = {row[REASON]: row["rows"] for row in selection.counts.collect()}
    expected: int = counts.pop(None, 0)
    withheld = dict(sorted(counts.items()))
    frame = content.frame(run.session)
    if not selection.once or not content.rows or not _has(frame, plan.contract.names()):
        return _Staged(content, expected, withheld)
    # Re-deliveries are rare: the price of keeping one of each is paid only where there are any.
    different = distinct_rows(frame, plan.contract.names(), content.rows)
    repeated = content.rows - different
    if not repeated:
        return _Staged(content, expected, withheld, different)
    staging.discard()
    staging = run.lakehouse.stage(table, plan.contract)
    staging.write_frame(selection.kept.distinct())
    return _Staged(staging.content(), expected - repeated, {**withheld, DUPLICATE: repeated})


def _staged_before(publication: Publication, table: Table) -> _Staged:
    """What `_stage` returned when the current snapshot was made."""
    snapshot = table.current_snapshot()
    assert snapshot is not None  # noqa: S101 - `unchanged` found it
    return _Staged(publication.content, summary(snapshot, "kept", 0), summary(snapshot, "withheld", {}))


def _audit(run: Run, plan: TableDraft, staged: _Staged, evidence: Evidence) -> tuple[list[Outcome], int]:
    """Run the audits side by side; return what they found, and how many input rows the content keeps."""
    content = staged.content
    audits: dict[str, Callable[[], Outcome]] = {
        CONTRACT: lambda: audit_contract(
            evidence.content, plan.contract, now_ms=run.now_ms, different=staged.different
        ),
        **{check: partial(audit, evidence) for check, audit in plan.checks.items()},
    }
    with ThreadPoolExecutor() as pool:
        outcomes = pool.map(run_audit, audits, audits.values())
        kept = content.rows
        if plan.input_row and _has(evidence.content, plan.input_row):
            kept = distinct_rows(evidence.content, plan.input_row, staged.expected)
        if plan.counted_in and _has(evidence.content, [plan.counted_in]):
            kept = evidence.content.agg(F.sum(plan.counted_in)).collect()[0][0] or 0
        return list(outcomes), kept


def _has(frame: DataFrame, columns: Iterable[str]) -> bool:
    """Whether the columns are there; that they should be is for the contract's audit to say."""
    return set(columns) <= set(frame.columns)
