"""Drafting a trusted or curated table: select, stage, check."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.contract import audit_contract
from stedi_dagster.audits.gate.distinct import distinct_rows
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.gate.records import every_record
from stedi_dagster.audits.outcome import Outcome, run_audit
from stedi_dagster.contracts import AccelerometerLanding, CustomerLanding, CustomerTrusted, Quarantine
from stedi_dagster.drafts.amending import Amendment, between
from stedi_dagster.drafts.audited import Findings
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.frames import Frames
from stedi_dagster.drafts.made import Made
from stedi_dagster.drafts.making import Prepared, has_columns, make, summary_of
from stedi_dagster.drafts.plan import (
    ACCELEROMETER_LANDING,
    CUSTOMER_LANDING,
    CUSTOMER_QUARANTINE,
    CUSTOMER_TRUSTED,
    CheckContext,
    TablePlan,
)
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.lakehouse.snapshot import Snapshot


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
    if plan.wants_quarantine:
        inputs = {**inputs, CUSTOMER_QUARANTINE: unreadable}
    if plan.wants_step_people and run.policy.step_people == "trusted":
        inputs = {**inputs, CUSTOMER_TRUSTED: run.read(CUSTOMER_TRUSTED, CustomerTrusted)}
    if plan.goes_by_evidence(run.policy):
        inputs = {**inputs, ACCELEROMETER_LANDING: run.read(ACCELEROMETER_LANDING, AccelerometerLanding)}
    table = run.lakehouse.ensure_table(name, plan.contract)
    rests_on = {CUSTOMER_LANDING: customers.snapshot_id, CUSTOMER_QUARANTINE: unreadable.snapshot_id}
    judged_by = dict(rests_on)
    if plan.contract.identifying("participant") and PARTICIPANTS not in inputs:
        judged_by[PARTICIPANTS] = run.read_participants().snapshot_id
    limits = {"max_doubt": run.max_doubt, "least_evidence": run.least_evidence}
    findings = Findings(run, plan.check_names, judged_by=judged_by, **limits)
    summary = summary_of(run, plan, inputs)
    commit = run.unchanged(table, plan.contract, summary.inputs or "")
    upstream = {key: snapshot.snapshot_id for key, snapshot in inputs.items()} | rests_on
    drafted = partial(Draft, rows_in=summary.rows_in or 0, upstream=upstream)
    if commit is not None and (earlier := findings.of_earlier(commit)):
        outcomes, run_id = earlier
        return drafted(commit, outcomes, withheld=commit.summary.withheld or {}, audited_in=run_id)
    if commit is None:
        plan.refuse(inputs)
    with run.at_work(name, f"computing {name}"):
        made = Prepared(commit) if commit else make(run, plan, table, inputs, summary)
        commit, amended = made.commit, made.amendment
        frames = Frames(run.session, inputs)
        context = CheckContext(
            (amended.new if amended else commit.files).frame(run.session),
            amended.rest.frame(run.session) if amended and amended.rest.paths else None,
            commit.files.frame(run.session),
            frames,
            every_record(customers.frame(run.session), unreadable.frame(run.session)),
            run.policy,
            partial(_published, run, plan),
            run.max_doubt,
            run.least_evidence,
            lambda: frames[PARTICIPANTS] if PARTICIPANTS in frames else run.read_participants().frame(run.session),
        )
        found, kept = _check(run, plan, made, context)
    rows_in, expected, withheld = summary.rows_in or 0, commit.summary.kept or 0, commit.summary.withheld or {}
    found.append(audit_reconciliation(rows_in=rows_in, kept=kept, expected_kept=expected, withheld=withheld))
    findings.record(commit, found)
    how = Made.FULL if amended is None else Made.PEOPLE_REDONE if amended.rows_out else Made.APPENDED
    return drafted(commit, tuple(found), withheld=withheld, how=how, why=made.why)


def _published(run: Run, plan: TablePlan) -> DataFrame | None:
    snapshot = run.readable(plan.contract.table(), plan.contract)
    return snapshot.frame(run.session) if snapshot else None


def _check(run: Run, plan: TablePlan, made: Prepared, context: CheckContext) -> tuple[list[Outcome], int]:
    """Run the checks side by side; return what they found, and how many input rows the table keeps."""
    checks: dict[str, Callable[[], Outcome]] = {
        CONTRACT: lambda: _check_contract(run, plan, made, context),
        **{name: partial(check, context) for name, check in plan.all_checks.items()},
    }
    # Tags are a thread's own.
    with ThreadPoolExecutor(initializer=run.session.addTag, initargs=(plan.contract.table(),)) as pool:
        outcomes = pool.map(run_audit, checks, checks.values())
        kept = _kept(plan, made, context)
        return list(outcomes), kept


def _check_contract(run: Run, plan: TablePlan, made: Prepared, context: CheckContext) -> Outcome:
    different, unique = made.different, plan.contract.unique()
    if made.amendment and unique and has_columns(context.content, unique):
        different = _unknown(context, plan, unique, made.amendment)
    return audit_contract(context.content, plan.contract, now_ms=run.now_ms, different=different)


def _kept(plan: TablePlan, made: Prepared, context: CheckContext) -> int:
    """How many input rows the table keeps, counted in its files."""
    amended, expected = made.amendment, made.commit.summary.kept or 0
    if plan.input_row and has_columns(context.content, plan.input_row):
        if amended is None:
            return distinct_rows(context.content, plan.input_row, expected)
        return amended.kept_before - amended.inputs_out + _unknown(context, plan, plan.input_row, amended)
    if plan.counted_in and has_columns(context.content, [plan.counted_in]):
        counted: int | None = context.content.agg(F.sum(plan.counted_in)).collect()[0][0]
        return counted or 0
    return made.commit.files.rows + (_missing(plan, amended, context) if amended else 0)


def _missing(plan: TablePlan, amended: Amendment, context: CheckContext) -> int:
    """How many different rows the rules keep of what is new that the table has nowhere."""
    # By what makes a row unique: null is never equal to null.
    names = plan.contract.unique() or plan.contract.names()
    if amended.kept is None or not has_columns(context.content, names):
        return 0
    kept = amended.kept.select(*names).distinct()
    return kept.join(context.every_row.select(*names), on=names, how="left_anti").count()


def _unknown(context: CheckContext, plan: TablePlan, columns: Sequence[str], amended: Amendment) -> int:
    """How many different values of some columns, one of which is the event time, only the new rows have."""
    new = context.content.select(*columns).distinct()
    if context.rest is not None:
        known = between(context.rest, plan.contract, amended.new.moments).select(*columns)
        new = new.join(known, on=list(columns), how="left_anti")
    return new.count()
