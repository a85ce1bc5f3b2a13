"""Making a table's next rows: by what is new in its inputs where it can be followed, and else all of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pyiceberg.table import Table
from pyspark.sql import DataFrame

from stedi_dagster.audits.gate.distinct import distinct_rows
from stedi_dagster.drafts.amending import Amendment, amend
from stedi_dagster.drafts.following import Additions, Following
from stedi_dagster.drafts.frames import Frames
from stedi_dagster.drafts.made import MadeInFull
from stedi_dagster.drafts.plan import TablePlan
from stedi_dagster.drafts.run import Run
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.policies.selection import DUPLICATE, REASON


@dataclass(frozen=True)
class Prepared:
    """How a table's next rows were made.

    Attributes:
        commit: publishes them.
        why: why all of them were made anew; None where only what is new was, or nothing is.
        different: how many different rows there are, where that was counted.
        amendment: what becomes of its files, where only what is new was made.
    """

    commit: Commit
    why: str | None = None
    different: int | None = None
    amendment: Amendment | None = None


def summary_of(run: Run, plan: TablePlan, inputs: Mapping[str, Snapshot]) -> SnapshotSummary:
    """What a table's next snapshot records of what it is made from.

    Args:
        run: the run.
        plan: the table's.
        inputs: what it is made from.
    """
    upstream = {name: snapshot.rows_since for name, snapshot in inputs.items()}
    code, policy = run.code_version(plan.contract), run.policy.model_dump()
    return SnapshotSummary(
        inputs=_inputs(plan, SnapshotSummary(upstream=upstream, policy=policy, code_version=code)),
        run_id=run.run_id,
        code_version=code,
        policy=policy,
        upstream=upstream,
        rows_in=inputs[plan.inputs[0]].rows,
    )


def make(run: Run, plan: TablePlan, table: Table, inputs: Mapping[str, Snapshot], summary: SnapshotSummary) -> Prepared:
    """Stage a table's next rows.

    Args:
        run: the run; it holds the writer lock.
        plan: how the table is made.
        table: as it is now.
        inputs: what it is made from.
        summary: see `summary_of`.
    """
    frames = Frames(run.session, inputs)
    try:
        published, before = _basis(run, plan, inputs, summary)
        following = Following(run.session, run.policy, plan.select, before, inputs)
        if follow := plan.follows(run.policy):
            return _follow(run, follow(following), table, published, summary, plan.input_row)
    except MadeInFull as reason:
        commit, different = _in_full(run, plan, table, frames, summary)
        return Prepared(commit, str(reason) or None, different)
    if plan.narrow:
        with suppress(MadeInFull):
            frames = Frames(run.session, inputs, plan.narrow(following, published.frame(run.session)))
    commit, different = _in_full(run, plan, table, frames, summary)
    if same := _as_it_was(run, table, published, commit):
        return Prepared(same)
    new = [name for name in inputs if following.is_new(name)]
    return Prepared(commit, f"{' and '.join(new)} {'is' if len(new) == 1 else 'are'} new", different)


def _basis(
    run: Run, plan: TablePlan, inputs: Mapping[str, Snapshot], summary: SnapshotSummary
) -> tuple[Snapshot, dict[str, Snapshot]]:
    """The table as it is, and its inputs as they were when it was made.

    Raises:
        MadeInFull: it cannot be built upon.
    """
    name = plan.contract.table()
    if name in run.full_refresh:
        raise MadeInFull("it was asked for")
    published = run.lakehouse.read(name, plan.contract)
    if published is None:
        raise MadeInFull
    was = published.summary
    if was.code_version != summary.code_version:
        raise MadeInFull("its code is another")
    if was.policy != summary.policy:
        raise MadeInFull("its rules are others")
    if was.inputs != _inputs(plan, was) or was.upstream.keys() != inputs.keys():
        raise MadeInFull("rows were deleted from it")
    if published.files.missing():
        raise MadeInFull("files of it are gone or damaged")
    before = {}
    for upstream, snapshot in inputs.items():
        found = snapshot.earlier(was.upstream[upstream])
        if found is None:
            raise MadeInFull(f"what {upstream} was then is no longer in its history")
        before[upstream] = found
    return published, before


def _inputs(plan: TablePlan, made: SnapshotSummary) -> str:
    """The fingerprint of everything that a table is made from."""
    return fingerprint(
        {"upstream": made.upstream, "policy": made.policy, "code": made.code_version, "table": plan.contract.table()}
    )


def _as_it_was(run: Run, table: Table, published: Snapshot, made: Commit) -> Commit | None:
    """Keep a table's files, where the rows that were made anew are the same; then nothing that it feeds is new."""
    contract, rows = made.files.contract, made.files.rows
    # Of unique rows, as many are the same if none is missing.
    if not contract.unique() or rows != published.rows:
        return None
    before, now = published.frame(run.session), made.files.frame(run.session)
    if not has_columns(now, before.columns) or not before.subtract(now.select(*before.columns)).isEmpty():
        return None
    summary = made.summary.model_copy(update={"same_since": published.rows_since})
    made.files.storage.delete_folder(made.files.folder)
    return run.lakehouse.amend(table, run.lakehouse.stage(table, contract).files(), summary, stays=published.files)


def _follow(
    run: Run,
    additions: Additions,
    table: Table,
    published: Snapshot,
    summary: SnapshotSummary,
    input_row: Sequence[str],
) -> Prepared:
    amended = amend(run, table, published, additions, input_row=input_row)
    counts: Counter[str | None] = Counter(published.summary.withheld or {})
    kept = published.summary.kept or 0
    if additions.once:
        kept += counts.pop(DUPLICATE, 0)
    counts.update(additions.counts())
    kept += counts.pop(None, 0)
    if additions.once and (repeated := kept - amended.rows):
        kept, counts[DUPLICATE] = kept - repeated, repeated
    withheld = {reason: rows for reason, rows in counts.items() if reason and rows}
    recorded: dict[str, object] = {"kept": kept, "withheld": dict(sorted(withheld.items()))}
    if not amended.new.paths and not amended.rows_out:
        recorded["same_since"] = published.rows_since
    summary = summary.model_copy(update=recorded)
    commit = run.lakehouse.amend(table, amended.staged.files(), summary, stays=amended.stays, gone=amended.gone)
    return Prepared(commit, amendment=amended)


def _in_full(
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
    if selection.once and files.rows and has_columns(frame, plan.contract.names()):
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


def has_columns(frame: DataFrame, columns: Iterable[str]) -> bool:
    """Whether the columns are there; that they should be is for the contract's check to say."""
    return set(columns) <= set(frame.columns)
