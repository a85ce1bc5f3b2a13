"""What an alert says: our own sentences, names, numbers, times and a link. Of a file not even its name gets here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from stedi_dagster.alerts.ending import Ending, Kind

# Of SNS, the narrowest of the destinations.
_LONGEST_SUBJECT = 100


class Tone(StrEnum):
    """How bad what an alert tells is: destinations show it by colours and signs."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Message:
    """One alert, as it is sent."""

    subject: str
    body: str
    tone: Tone = Tone.INFO


@dataclass(frozen=True)
class Change:
    """Something that fails now and did not, or the other way round."""

    ending: Ending
    since: float


def messages(changes: Iterable[Change], ui_url: str) -> list[Message]:
    """The alerts that tell of changes: one of all that a run made fail, and one of all that it made well again.

    Args:
        changes: in the order in which they came about.
        ui_url: where the UI is, for links.
    """
    runs: dict[str, list[Change]] = {}
    for change in changes:
        runs.setdefault(change.ending.run_id, []).append(change)
    return [_message(together, ui_url) for run in runs.values() for together in _together(run)]


def trial() -> Message:
    """What `stedi alerts test` sends."""
    return Message("[STEDI] test", "This is a test: alerts of failed checks would arrive here.")


def moment(at: float) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _together(run: Iterable[Change]) -> Iterator[list[Change]]:
    """The changes of a run in one direction; of audits without a run there may be several, to and fro."""
    open_groups: dict[bool, list[Change]] = {}
    for change in run:
        other = open_groups.get(not change.ending.failed, [])
        if any(_what(before) == _what(change) for before in other):
            yield from open_groups.values()
            open_groups = {}
        open_groups.setdefault(change.ending.failed, []).append(change)
    yield from open_groups.values()


def _what(change: Change) -> tuple[Kind, str, str]:
    return (change.ending.kind, change.ending.table, change.ending.check)


def _rank(change: Change) -> int:
    """What is worst comes first: failed checks, failed steps and runs, warnings."""
    return 2 if change.ending.severity == "WARN" else int(change.ending.kind != Kind.CHECK)


def _said_together(change: Change) -> tuple[Kind, str, str]:
    return (change.ending.kind, change.ending.found, moment(change.since))


def _message(changes: Sequence[Change], ui_url: str) -> Message:
    changes = sorted(changes, key=_rank)
    first = changes[0].ending
    checks = [change for change in changes if change.ending.kind == Kind.CHECK]
    steps = [change for change in changes if change.ending.kind != Kind.CHECK]
    if first.kind == Kind.CHECK:
        subject, told = _subject(first), 1
    else:
        names = ", ".join(change.ending.table for change in steps)
        subject, told = f"{'failed' if first.failed else 'works again'}: {names}", len(steps)
    if len(changes) > told:
        subject += f", and {len(changes) - told} more"
    short = f"[STEDI] {subject}"
    if len(short) > _LONGEST_SUBJECT:
        short = f"{short[: _LONGEST_SUBJECT - 3]}..."
    blocks = [*map(_of_check, checks), *([_of_steps(steps)] if steps else [])]
    tone = Tone.SUCCESS if not first.failed else Tone.WARNING if first.severity == "WARN" else Tone.FAILURE
    return Message(short, "\n\n".join(blocks) + "\n" + "\n".join(_links(changes, ui_url)), tone)


def _links(changes: Sequence[Change], ui_url: str) -> Iterable[str]:
    run_id = changes[0].ending.run_id
    if run_id:
        return [f"Run: {ui_url}/runs/{run_id}"]
    return dict.fromkeys(f"Checks: {ui_url}/assets/{change.ending.table}" for change in changes)


def _subject(ending: Ending) -> str:
    verb = "passes again" if not ending.failed else "fails" if ending.severity == "ERROR" else "warns"
    return f"{ending.check} {verb} on {ending.table}"


def _of_check(change: Change) -> str:
    ending = change.ending
    lines = [f"Check: {ending.check}", f"Table: {ending.table}"]
    if ending.failed:
        lines += [f"Severity: {ending.severity}", f"Found: {ending.found or 'nothing that is counted'}"]
        lines.append(f"Failing since: {moment(change.since)}")
    else:
        lines.append(f"It had failed since: {moment(change.since)}")
    return "\n".join(lines)


def _of_steps(changes: Sequence[Change]) -> str:
    lines = []
    for (kind, found, since), grouped in groupby(changes, key=_said_together):
        alike = list(grouped)
        failed = alike[0].ending.failed
        lines.append(f"{kind.capitalize()}: {', '.join(change.ending.table for change in alike)}")
        if failed:
            lines.append(f"Reason: {found}")
        lines.append(f"{'Failing' if failed else 'It had failed'} since: {since}")
    return "\n".join(lines)
