"""What an alert says: names, numbers, times and a link. Nothing that an event holds as free text gets here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from stedi_dagster.alerts.findings import Finding, Kind

# Of SNS, the narrowest of the destinations.
_LONGEST_SUBJECT = 100


@dataclass(frozen=True)
class Message:
    """One alert, as it is sent."""

    subject: str
    body: str


@dataclass(frozen=True)
class Change:
    """Something that fails now and did not, or the other way round."""

    finding: Finding
    since: float


def messages(changes: Iterable[Change], ui_url: str) -> list[Message]:
    """The alerts that tell of changes: one a check, and one for all steps of a run that failed or are well again.

    Args:
        changes: in the order in which they came about.
        ui_url: where the UI is, for links.
    """
    found = []
    for (kind, run_id, failed), grouped in groupby(changes, key=_told_together):
        together = list(grouped)
        if kind == Kind.CHECK:
            found += [_of_check(change, ui_url) for change in together]
        else:
            found.append(_of_steps(together, f"{ui_url}/runs/{run_id}", failed=failed))
    return found


def trial() -> Message:
    """What `stedi alerts test` sends."""
    return Message("[STEDI] test", "This is a test: alerts of failed checks would arrive here.")


def moment(at: float) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _told_together(change: Change) -> tuple[Kind, str, bool]:
    return (change.finding.kind, change.finding.run_id, change.finding.failed)


def _said_together(change: Change) -> tuple[Kind, str, str]:
    return (change.finding.kind, change.finding.found, moment(change.since))


def _of_check(change: Change, ui_url: str) -> Message:
    finding = change.finding
    lines = [f"Check: {finding.check}", f"Table: {finding.table}"]
    if finding.failed:
        verb = "fails" if finding.severity == "ERROR" else "warns"
        lines += [f"Severity: {finding.severity}", f"Found: {finding.found or 'nothing that is counted'}"]
        lines.append(f"Failing since: {moment(change.since)}")
    else:
        verb = "passes again"
        lines.append(f"It had failed since: {moment(change.since)}")
    lines.append(f"Run: {ui_url}/runs/{finding.run_id}")
    return _message(f"{finding.check} {verb} on {finding.table}", lines)


def _of_steps(changes: Sequence[Change], link: str, *, failed: bool) -> Message:
    names = ", ".join(change.finding.table for change in changes)
    lines = []
    for (kind, found, since), alike in groupby(changes, key=_said_together):
        which = ", ".join(change.finding.table for change in alike)
        lines.append(f"{kind.capitalize()}: {which}")
        if failed:
            lines.append(f"Reason: {found}")
        lines.append(f"{'Failing' if failed else 'It had failed'} since: {since}")
    return _message(f"{'failed' if failed else 'works again'}: {names}", [*lines, f"Run: {link}"])


def _message(subject: str, lines: Iterable[str]) -> Message:
    short = f"[STEDI] {subject}"
    if len(short) > _LONGEST_SUBJECT:
        short = f"{short[: _LONGEST_SUBJECT - 3]}..."
    return Message(short, "\n".join(lines))
