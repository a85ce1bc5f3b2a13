"""The outcomes of an ended run's checks and steps: our own sentences and counts, taken from its events."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from stedi_dagster.alerts.ending import Ending, Kind
from stedi_dagster.defs.audits.recording import RUN
from stedi_dagster.defs.failures import ERROR
from stedi_dagster.errors import StediError
from stedi_dagster.landing.files import without_names
from stedi_dagster.wording import counted

# The digits of a share (10.00%) do not count anything.
_NUMBER = re.compile(r"(?<![\d.,])\d[\d,]*(?![\d,]*(?:\.\d|%))")
_MOST_COUNTS = 10
_PAGE = 500


def endings_of(instance: dg.DagsterInstance, end: dg.EventLogRecord) -> Iterator[Ending]:
    """The endings of a run, in the order of its events.

    Args:
        instance: where its events are.
        end: the event that ended it.
    """
    run_id = end.run_id
    steps_with_failed_checks: set[str | None] = set()
    for record in _events(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        evaluation: dg.AssetCheckEvaluation = _event(record).asset_check_evaluation_data
        ending = _of_check(evaluation, record)
        if ending.failed and ending.severity == "ERROR":
            steps_with_failed_checks.add(_event(record).step_key)
        yield ending
    steps = 0
    for record in _events(instance, run_id, dg.DagsterEventType.STEP_FAILURE):
        steps += 1
        # A table was not published because of its check: the check's ending says so. Earlier failures are not over.
        if _event(record).step_key not in steps_with_failed_checks:
            yield _of_step(record, failed=True)
    for record in _events(instance, run_id, dg.DagsterEventType.STEP_SUCCESS):
        yield _of_step(record, failed=False)
    event = _event(end)
    if event.event_type == dg.DagsterEventType.RUN_FAILURE and not steps:
        yield _ending(Kind.RUN, event.job_name, end, _reason(event.job_failure_data.error), failed=True)
    elif event.event_type == dg.DagsterEventType.RUN_SUCCESS:
        yield _ending(Kind.RUN, event.job_name, end, "", failed=False)


def endings_without_a_run(instance: dg.DagsterInstance, after: int) -> list[Ending]:
    """The endings that `stedi audit` recorded, in the order of its events.

    Args:
        instance: where its events are.
        after: the last known event.
    """
    found: list[Ending] = []
    cursor, more = None, True
    while more:
        # Backwards from the end, because Dagster accepts no other starting point. Such events belong to the run "".
        page = instance.get_records_for_run(
            "", cursor, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, limit=_PAGE, ascending=False
        )
        new = [record for record in page.records if record.storage_id > after]
        found += [_of_check(_event(record).asset_check_evaluation_data, record) for record in new]
        cursor, more = page.cursor, page.has_more and len(new) == len(page.records)
    return found[::-1]


def _events(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> Iterator[dg.EventLogRecord]:
    cursor, more = None, True
    while more:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=kind)
        yield from page.records
        cursor, more = page.cursor, page.has_more


def _event(record: dg.EventLogRecord) -> Any:
    return record.event_log_entry.dagster_event


def _of_check(evaluation: dg.AssetCheckEvaluation, record: dg.EventLogRecord) -> Ending:
    # The run that started the audit at its end.
    audited_run = evaluation.metadata.get(RUN)
    return Ending(
        kind=Kind.CHECK,
        table=evaluation.asset_key.to_user_string(),
        check=evaluation.check_name,
        failed=not evaluation.passed,
        severity=evaluation.severity.value,
        found=_found(evaluation),
        run_id=str(audited_run.value) if isinstance(audited_run, dg.DagsterRunMetadataValue) else record.run_id,
        at=record.timestamp,
        event=record.storage_id,
    )


def _found(evaluation: dg.AssetCheckEvaluation) -> str:
    """A check's sentence, and the counts that add something to it."""
    sentence = without_names(evaluation.description or "").removeprefix("Found: ")
    return " ".join(filter(None, [sentence, _counts(evaluation, sentence)]))


def _counts(evaluation: dg.AssetCheckEvaluation, sentence: str) -> str:
    """The counts of a check that are not zero, except those in its sentence."""
    counts: dict[str, Any] = {}
    totals: dict[str, Any] = {}
    for name, value in evaluation.metadata.items():
        if isinstance(value, dg.IntMetadataValue):
            totals[name] = value.value
        elif isinstance(value, dg.TableMetadataValue) and name == "counts":
            counts |= dict(_row(record.data) for record in value.records)
    # Totals add nothing to the counts that they sum up.
    counts = {name: rows for name, rows in (counts or totals).items() if isinstance(rows, int) and rows}
    # A name with a slash is that of a file, which somebody else chose.
    counts = {name: rows for name, rows in counts.items() if "/" not in name}
    numbers = {number.replace(",", "") for number in _NUMBER.findall(sentence)}
    # The part after a colon (a rule, a reason) says more than the number.
    shown = [counted(rows, name) for name, rows in counts.items() if ": " in name or str(rows) not in numbers]
    shown = [count for count in shown if count not in sentence]
    more = len(shown) - _MOST_COUNTS
    return "; ".join([*shown[:_MOST_COUNTS], *([f"and {more} more"] if more > 0 else [])])


def _row(record: Mapping[str, Any]) -> tuple[str, Any]:
    """What is counted, and how often. Dagster returns a record's entries in the order of their names."""
    names = [str(name) for entry, name in record.items() if entry != "rows"]
    what = names[0] if len(names) == 1 else f"rows against the rule {': '.join(names)}"
    return what, record.get("rows")


def _of_step(record: dg.EventLogRecord, *, failed: bool) -> Ending:
    event = _event(record)
    reason = ""
    if failed:
        failure = event.step_failure_data
        user_failure = failure.user_failure_data
        kind = user_failure.metadata.get(ERROR) if user_failure else None
        reason = without_names(str(user_failure.description)) if kind else _reason(failure.error)
    return _ending(Kind.STEP, event.step_key, record, reason, failed=failed)


def _ending(kind: Kind, name: str, record: dg.EventLogRecord, found: str, *, failed: bool) -> Ending:
    return Ending(
        kind=kind,
        table=name,
        check="",
        failed=failed,
        severity="ERROR",
        found=found,
        run_id=record.run_id,
        at=record.timestamp,
        event=record.storage_id,
    )


def _reason(error: Any) -> str:
    """The sentence of one of our own errors; for any other, whose message may quote data, only its class."""
    if error is None:
        return "Dagster gives no reason."
    ours = _names_of(StediError)
    while error.cls_name not in ours and error.cause is not None:
        error = error.cause
    if error.cls_name in ours:
        return without_names(str(error.message).partition(": ")[2].strip())
    return f"{error.cls_name}; the run's page says more."


def _names_of(kind: type[StediError]) -> set[str]:
    return {kind.__name__}.union(*map(_names_of, kind.__subclasses__()))
