"""How the checks and steps of a run ended: our own sentences and counts, taken from its events."""

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

# Of a share (10.00%), the digits are no number of anything.
_NUMBER = re.compile(r"(?<![\d.,])\d[\d,]*(?![\d,]*(?:\.\d|%))")
_MOST_COUNTS = 10
_PAGE = 500


def endings_of(instance: dg.DagsterInstance, end: dg.EventLogRecord) -> Iterator[Ending]:
    """How the checks and steps of a run, and the run itself, ended.

    Args:
        instance: where its events are.
        end: the event of its end.
    """
    run_id = end.run_id
    blocked: set[str | None] = set()
    for record in _events(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        evaluation: dg.AssetCheckEvaluation = _event(record).asset_check_evaluation_data
        ending = _of_check(evaluation, record)
        if ending.failed and ending.severity == "ERROR":
            blocked.add(_event(record).step_key)
        yield ending
    steps = 0
    for record in _events(instance, run_id, dg.DagsterEventType.STEP_FAILURE):
        steps += 1
        # Where a table is not published because of its check, the check says so. What failed before still does.
        if _event(record).step_key not in blocked:
            yield _of_step(record, failed=True)
    for record in _events(instance, run_id, dg.DagsterEventType.STEP_SUCCESS):
        yield _of_step(record, failed=False)
    event = _event(end)
    if event.event_type == dg.DagsterEventType.RUN_FAILURE and not steps:
        yield _ending(Kind.RUN, event.job_name, end, _reason(event.job_failure_data.error), failed=True)
    elif event.event_type == dg.DagsterEventType.RUN_SUCCESS:
        yield _ending(Kind.RUN, event.job_name, end, "", failed=False)


def endings_without_a_run(instance: dg.DagsterInstance, after: int) -> list[Ending]:
    """What `stedi audit` recorded, in the order of its events.

    Args:
        instance: where its events are.
        after: the last event that is known.
    """
    found: list[Ending] = []
    cursor, more = None, True
    while more:
        # From the end, because nothing else tells Dagster where to begin. Such events belong to the run "".
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
    # A run that had it judged at its end.
    by = evaluation.metadata.get(RUN)
    return Ending(
        kind=Kind.CHECK,
        table=evaluation.asset_key.to_user_string(),
        check=evaluation.check_name,
        failed=not evaluation.passed,
        severity=evaluation.severity.value,
        found=_found(evaluation),
        run_id=str(by.value) if isinstance(by, dg.DagsterRunMetadataValue) else record.run_id,
        at=record.timestamp,
        event=record.storage_id,
    )


def _found(evaluation: dg.AssetCheckEvaluation) -> str:
    """What a check says, and the counts that add something to it."""
    sentence = without_names(evaluation.description or "").removeprefix("Found: ")
    return " ".join(filter(None, [sentence, _counts(evaluation, sentence)]))


def _counts(evaluation: dg.AssetCheckEvaluation, sentence: str) -> str:
    """The counts of a check that are not zero, but for those that its sentence has."""
    counts: dict[str, Any] = {}
    totals: dict[str, Any] = {}
    for name, value in evaluation.metadata.items():
        if isinstance(value, dg.IntMetadataValue):
            totals[name] = value.value
        elif isinstance(value, dg.TableMetadataValue) and name == "counts":
            counts |= dict(_row(record.data) for record in value.records)
    # What adds the counts up says nothing beside them.
    counts = {name: rows for name, rows in (counts or totals).items() if isinstance(rows, int) and rows}
    # A name with a slash is a file's, which somebody else chose.
    counts = {name: rows for name, rows in counts.items() if "/" not in name}
    numbers = {number.replace(",", "") for number in _NUMBER.findall(sentence)}
    # What is behind a colon (a rule, a reason) says more than the number.
    shown = [counted(rows, name) for name, rows in counts.items() if ": " in name or str(rows) not in numbers]
    shown = [count for count in shown if count not in sentence]
    more = len(shown) - _MOST_COUNTS
    return "; ".join([*shown[:_MOST_COUNTS], *([f"and {more} more"] if more > 0 else [])])


def _row(record: Mapping[str, Any]) -> tuple[str, Any]:
    """What is counted, and how often. Dagster gives back a record's entries in the order of their names."""
    names = [str(name) for entry, name in record.items() if entry != "rows"]
    what = names[0] if len(names) == 1 else f"rows against the rule {': '.join(names)}"
    return what, record.get("rows")


def _of_step(record: dg.EventLogRecord, *, failed: bool) -> Ending:
    event = _event(record)
    reason = ""
    if failed:
        failed_by = event.step_failure_data
        given = failed_by.user_failure_data
        kind = given.metadata.get(ERROR) if given else None
        reason = without_names(str(given.description)) if kind else _reason(failed_by.error)
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
    """The sentence of an error of ours; of any other, whose message may quote data, the class."""
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
