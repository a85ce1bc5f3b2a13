"""From runs that ended to alerts: each failure once, when it begins, and once more when it is over.

What is read and what follows from it are kept in one transaction, so it does not matter which process does it, nor
whether another does at the same time or dies in the middle.
"""

from dataclasses import replace

import dagster as dg

from stedi_dagster.alerts.findings import Finding, findings_of
from stedi_dagster.alerts.message import Change, messages
from stedi_dagster.alerts.outbox import Outbox

_ENDS = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)
_AT_A_TIME = 50


def record(outbox: Outbox, instance: dg.DagsterInstance, ui_url: str) -> None:
    """Put into the outbox what runs that ended since the last time say.

    The first time, what the last runs left failing is told, and nothing that was over before.

    Args:
        outbox: where alerts are kept.
        instance: whose runs.
        ui_url: where the UI is, for links.
    """
    while _record_some(outbox, instance, ui_url):
        pass


def _record_some(outbox: Outbox, instance: dg.DagsterInstance, ui_url: str) -> bool:
    """Read some runs; whether there may be more."""
    with outbox.exclusively():
        positions = outbox.positions()
        ends = _ends(instance, positions)
        changes = [
            change for end in ends for finding in findings_of(instance, end) if (change := _note(outbox, finding))
        ]
        if not positions:
            changes = outbox.failing()
        outbox.put(messages(changes, ui_url))
        read = dict.fromkeys((kind.value for kind in _ENDS), 0) | positions
        for end in ends:
            read[_kind(end)] = max(read[_kind(end)], end.storage_id)
        outbox.move(read)
    return bool(positions) and len(ends) >= _AT_A_TIME


def _ends(instance: dg.DagsterInstance, positions: dict[str, int]) -> list[dg.EventLogRecord]:
    """The ends of runs after the last ones read, or of the last runs; in the order in which they ended.

    Each kind of end has a position of its own: they are asked for one after the other, and runs end meanwhile.
    """
    found: list[dg.EventLogRecord] = []
    for kind in _ENDS:
        wanted = dg.RunStatusChangeRecordsFilter(event_type=kind, after_storage_id=positions.get(kind.value))  # type: ignore[arg-type]
        found += instance.fetch_run_status_changes(wanted, limit=_AT_A_TIME, ascending=bool(positions)).records
    return sorted(found, key=lambda end: end.storage_id)


def _kind(end: dg.EventLogRecord) -> str:
    event = end.event_log_entry.dagster_event
    assert event is not None  # noqa: S101 - it was asked for by the kind of its event
    return event.event_type_value


def _note(outbox: Outbox, finding: Finding) -> Change | None:
    """Keep a finding; what changed by it, if it is to be told."""
    last = outbox.last(finding)
    if last is None and not finding.failed and not finding.check:
        return None  # a step that is well, as nearly all are
    if last is not None and last.finding.event > finding.event:
        return None  # of two runs at once: what was found later holds
    failing = last is not None and last.finding.failed
    if failing and finding.failed:
        assert last is not None  # noqa: S101 - see above
        worse = last.finding.severity == "WARN" and finding.severity == "ERROR"
        # The worst of it stays, so that to and fro between the two is told once.
        severity = "ERROR" if worse else last.finding.severity
        change = Change(replace(finding, severity=severity), last.since)
        outbox.keep(change)
        return change if worse else None
    since = last.since if last is not None and failing else finding.at
    change = Change(finding, since)
    outbox.keep(change)
    return change if failing or finding.failed else None
