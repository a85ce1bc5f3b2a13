"""Turns ended runs into alerts: one when a failure begins, and one when it is over.

Each transaction records what was read together with the resulting alerts, so it does not matter which process does it,
or whether another one does so at the same time or dies halfway.
"""

from dataclasses import replace

import dagster as dg

from stedi_dagster.alerts.deliver import Delivery, deliver
from stedi_dagster.alerts.ending import Ending
from stedi_dagster.alerts.message import Change, messages
from stedi_dagster.alerts.outbox import Outbox
from stedi_dagster.defs.alerts.endings import endings_of, endings_without_a_run
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings

_ENDS = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)
# The position in the events that `stedi audit` records.
_WITHOUT_A_RUN = "no run"
_AT_A_TIME = 50


def record_and_deliver(settings: Settings, instance: dg.DagsterInstance, *, at_once: bool) -> Delivery:
    """Create alerts for the runs that ended, and send all that are waiting.

    Args:
        settings: name at least one destination.
        instance: where the runs are recorded.
        at_once: whether to retry a destination that failed recently without a pause.
    """
    return deliver(settings, lambda outbox: record(outbox, instance, settings.ui_url), at_once=at_once)


def send_alerts(settings: Settings, instance: dg.DagsterInstance) -> list[str]:
    """Send alerts, if anybody is to be alerted; return the problems, one sentence each."""
    if not settings.alerting:
        return []
    try:
        problems = record_and_deliver(settings, instance, at_once=True).problems
    except StediError as error:
        return [str(error)]  # not raised, because the command still has to show its result
    return [f"{problem} The next `stedi run` tries again, and so does the UI while it runs." for problem in problems]


def record(outbox: Outbox, instance: dg.DagsterInstance, ui_url: str) -> None:
    """Put alerts into the outbox about runs that have ended, and audits that were run by hand, since the last time.

    The first time, only what the last runs left failing is reported.

    Args:
        outbox: where alerts are kept.
        instance: where the runs are recorded.
        ui_url: where the UI is, for links.
    """
    while _record_some(outbox, instance, ui_url):
        pass


def _record_some(outbox: Outbox, instance: dg.DagsterInstance, ui_url: str) -> bool:
    """Read some runs; return whether there may be more."""
    with outbox.exclusively():
        positions = outbox.positions()
        ends = _ends(instance, positions)
        audited = endings_without_a_run(instance, positions.get(_WITHOUT_A_RUN, 0))
        endings = [*(ending for end in ends for ending in endings_of(instance, end)), *audited]
        changes = [change for ending in endings if (change := _note(outbox, ending))]
        if not positions:
            changes = outbox.failing()
        outbox.put(messages(changes, ui_url))
        read = dict.fromkeys((kind.value for kind in _ENDS), 0) | positions
        for end in ends:
            read[_kind(end)] = max(read[_kind(end)], end.storage_id)
        read[_WITHOUT_A_RUN] = max([positions.get(_WITHOUT_A_RUN, 0), *(ending.event for ending in audited)])
        outbox.move(read)
    return bool(positions) and len(ends) >= _AT_A_TIME


def _ends(instance: dg.DagsterInstance, positions: dict[str, int]) -> list[dg.EventLogRecord]:
    """The ends of runs after the last ones read, or of the latest runs, in the order in which they ended.

    Each kind of end has its own position, because they are queried one after the other, and runs end meanwhile.
    """
    found: list[dg.EventLogRecord] = []
    for kind in _ENDS:
        wanted = dg.RunStatusChangeRecordsFilter(event_type=kind, after_storage_id=positions.get(kind.value))  # type: ignore[arg-type]
        found += instance.fetch_run_status_changes(wanted, limit=_AT_A_TIME, ascending=bool(positions)).records
    return sorted(found, key=lambda end: end.storage_id)


def _kind(end: dg.EventLogRecord) -> str:
    event = end.event_log_entry.dagster_event
    assert event is not None  # noqa: S101 - it was queried by its type
    return event.event_type_value


def _note(outbox: Outbox, ending: Ending) -> Change | None:
    """Record a ending; return the change that it is, if it is to be reported."""
    last = outbox.last(ending)
    if last is None and not ending.failed and not ending.check:
        return None  # a step that succeeded, as nearly all do
    if last is not None and last.ending.event > ending.event:
        return None  # of two concurrent runs, the later ending counts
    failing = last is not None and last.ending.failed
    if failing and ending.failed:
        assert last is not None  # noqa: S101 - see above
        worse = last.ending.severity == "WARN" and ending.severity == "ERROR"
        # Keep the worst severity, so that going back and forth between the two is reported once.
        severity = "ERROR" if worse else last.ending.severity
        change = Change(replace(ending, severity=severity), last.since)
        outbox.keep(change)
        return change if worse else None
    since = last.since if last is not None and failing else ending.at
    change = Change(ending, since)
    outbox.keep(change)
    return change if failing or ending.failed else None
