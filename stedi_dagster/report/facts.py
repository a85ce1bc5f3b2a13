"""The content of a report: numbers, times, names of tables, rules. `gather` collects it, `page` renders it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.erasure.ledger import LedgerEntry

State = Literal["passed", "warns", "failed"]


@dataclass(frozen=True)
class Step:
    """One step of the funnel, and the reason why those missing from it did not get here from the one before."""

    name: str
    total: int
    without: str


def lost(funnel: Sequence[Step]) -> tuple[int, ...]:
    """How many people or records each step lost from the one before, the first one none; negative if it has more."""
    return (0, *(before.total - after.total for before, after in pairwise(funnel)))


@dataclass(frozen=True)
class Books:
    """What became of the rows that a table was made from: withheld, by reason, or kept.

    `withdrawn` and `erased` count rows deleted from the table since: of people who may no longer be in it, by a run
    that could not remake it, and by erasures.
    """

    rows_in: int
    withheld: Mapping[str, int]
    kept: int
    withdrawn: int
    erased: int

    @property
    def since(self) -> int:
        """All rows deleted since."""
        return self.withdrawn + self.erased


@dataclass(frozen=True)
class TableFacts:
    """One published table. Values that no run of the platform recorded are None; `code_now` would make it today."""

    name: str
    description: str
    personal: str
    rows: int
    snapshot_id: str
    published_ms: int
    policy: Mapping[str, Any] | None
    code: str | None
    code_now: str
    books: Books | None
    snapshots: int
    oldest_ms: int


@dataclass(frozen=True)
class Quarantined:
    """Texts of a feed that could not be read as records, for one reason."""

    feed: str
    reason: str
    texts: int
    files: int


@dataclass(frozen=True)
class AuditFacts:
    """The outcome of one standing audit. The reason why it could not run is left out: it may name files."""

    name: str
    question: str
    on: tuple[str, ...]
    state: State
    ran: bool
    problems: tuple[Finding, ...]


@dataclass(frozen=True)
class ReleaseFacts:
    """A release as it is now, and how much has gone since it was created."""

    name: str
    revision: int
    created_ms: int
    revised_ms: int
    rows: int
    participants: int
    rows_gone: int
    participants_gone: int


@dataclass(frozen=True)
class ExportFacts:
    """A copy of a release that was handed out; `destroyed_ms` is when its recipient said that none is left."""

    number: str
    release: str
    revision: int
    recipient: str
    begun_ms: int
    finished: bool
    destroyed_ms: int | None
    must_be_replaced: bool


@dataclass(frozen=True)
class Consents:
    """How many people agreed at some time, and how many of them no longer do."""

    ever: int
    withdrew: int


@dataclass(frozen=True)
class Facts:
    """The whole report. `funnel` and `consents` are present only if all tables are published.

    `lakehouse` is a random number that the lakehouse keeps, as names of databases are the same everywhere.
    """

    lakehouse: str
    database: str
    catalog: str
    storage: str
    version: str
    since_ms: int
    made_ms: int
    policy: Mapping[str, Any]
    retention_days: float
    audits: tuple[AuditFacts, ...]
    funnel: tuple[Step, ...]
    consents: Consents | None
    tables: tuple[TableFacts, ...]
    missing: tuple[str, ...]
    quarantined: tuple[Quarantined, ...]
    releases: tuple[ReleaseFacts, ...]
    exports: tuple[ExportFacts, ...]
    erasures: tuple[LedgerEntry, ...]
    unfinished: tuple[LedgerEntry, ...]
    keeps_history: State

    @property
    def state(self) -> State:
        """The state of the worst audit; an unfinished erasure is a warning."""
        states = {audit.state for audit in self.audits}
        if "failed" in states:
            return "failed"
        return "warns" if "warns" in states or self.unfinished else "passed"

    @property
    def verdict(self) -> str:
        """The state in one sentence."""
        total = len(self.audits)
        failed, warn = (sum(audit.state == state for audit in self.audits) for state in ("failed", "warns"))
        sentence = f"{failed} of {total} audits failed" if failed else f"All {total} audits passed"
        if warn and not failed:
            sentence = f"No audit failed, {warn} of {total} warn" + ("s" if warn == 1 else "")
        elif warn:
            sentence += f", {warn} more warn" + ("s" if warn == 1 else "")
        if self.unfinished:
            sentence += (
                f"; {len(self.unfinished)} {'erasure is' if len(self.unfinished) == 1 else 'erasures are'} not done"
            )
        return f"{sentence}."

    @property
    def lost(self) -> tuple[int, ...]:
        """How many people or records each step of the funnel lost."""
        return lost(self.funnel)
