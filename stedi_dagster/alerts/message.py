"""The text of alerts: our own sentences, names, numbers, times and a link; not even the name of a raw file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from stedi_dagster.alerts.ending import Ending, Kind

# The limit of SNS, the strictest of the destinations.
_LONGEST_SUBJECT = 100


class Tone(StrEnum):
    """How bad the news is: destinations show it by colours and symbols."""

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
    """Something that has begun to fail, or works again."""

    ending: Ending
    since: float


def messages(changes: Iterable[Change], ui_url: str) -> list[Message]:
    """The alerts about changes: for each run one about everything that fails, and one about all that works again.

    Args:
        changes: in the order in which they happened.
        ui_url: where the UI is, for links.
    """
    runs: dict[str, list[Change]] = {}
    for change in changes:
        runs.setdefault(change.ending.run_id, []).append(change)
    return [_message(group, ui_url) for run in runs.values() for group in _by_direction(run)]


def trial() -> Message:
    """What `stedi alerts test` sends."""
    return Message("[STEDI] test", "This is a test: alerts of failed checks would arrive here.")


def moment(at: float) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _by_direction(run: Iterable[Change]) -> Iterator[list[Change]]:
    """The changes of a run grouped by direction; audits without a run may go back and forth several times."""
    open_groups: dict[bool, list[Change]] = {}
    for change in run:
        opposite = open_groups.get(not change.ending.failed, [])
        if any(_subject_of(before) == _subject_of(change) for before in opposite):
            yield from open_groups.values()
            open_groups = {}
        open_groups.setdefault(change.ending.failed, []).append(change)
    yield from open_groups.values()


def _subject_of(change: Change) -> tuple[Kind, str, str]:
    return (change.ending.kind, change.ending.table, change.ending.check)


def _rank(change: Change) -> int:
    """The worst come first: failed checks, failed steps and runs, warnings."""
    return 2 if change.ending.severity == "WARN" else int(change.ending.kind != Kind.CHECK)


def _kind_reason_and_time(change: Change) -> tuple[Kind, str, str]:
    return (change.ending.kind, change.ending.found, moment(change.since))


def _message(changes: Sequence[Change], ui_url: str) -> Message:
    changes = sorted(changes, key=_rank)
    first = changes[0].ending
    checks = [change for change in changes if change.ending.kind == Kind.CHECK]
    steps = [change for change in changes if change.ending.kind != Kind.CHECK]
    if first.kind == Kind.CHECK:
        subject, named = _subject(first), 1
    else:
        names = ", ".join(change.ending.table for change in steps)
        subject, named = f"{'failed' if first.failed else 'works again'}: {names}", len(steps)
    if len(changes) > named:
        subject += f", and {len(changes) - named} more"
    subject = f"[STEDI] {subject}"
    if len(subject) > _LONGEST_SUBJECT:
        subject = f"{subject[: _LONGEST_SUBJECT - 3]}..."
    blocks = [*map(_of_check, checks), *([_of_steps(steps)] if steps else [])]
    tone = Tone.SUCCESS if not first.failed else Tone.WARNING if first.severity == "WARN" else Tone.FAILURE
    return Message(subject, "\n\n".join(blocks) + "\n" + "\n".join(_links(changes, ui_url)), tone)


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
        lines += [f"Severity: {ending.severity}", f"Found: {ending.found or 'no counts'}"]
        lines.append(f"Failing since: {moment(change.since)}")
    else:
        lines.append(f"Had been failing since: {moment(change.since)}")
    return "\n".join(lines)


def _of_steps(changes: Sequence[Change]) -> str:
    lines = []
    for (kind, found, since), grouped in groupby(changes, key=_kind_reason_and_time):
        same = list(grouped)
        failed = same[0].ending.failed
        lines.append(f"{kind.capitalize()}: {', '.join(change.ending.table for change in same)}")
        if failed:
            lines.append(f"Reason: {found}")
        lines.append(f"{'Failing' if failed else 'Had been failing'} since: {since}")
    return "\n".join(lines)
