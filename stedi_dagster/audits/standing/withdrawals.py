"""The audit `withdrawals`: is nobody in a table who has taken back their agreement in a raw file since?

Judged from the raw customer files, which may have come after the last run, by code of its own (`raw`). Only where one
document of a file ends and the next begins is told by landing; that none is lost on the way is counted.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.audits.standing.freshness import landed
from stedi_dagster.audits.standing.raw.files import addresses_in, delivered
from stedi_dagster.audits.standing.raw.names import Known
from stedi_dagster.audits.standing.raw.records import UNDATED, Word, record_of, written_at
from stedi_dagster.contracts import CONSENTED, TABLES
from stedi_dagster.contracts.base import latest_ms
from stedi_dagster.errors import LandingError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.landing.documents import read_documents
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.landing.formats import hides
from stedi_dagster.landing.weight import LEAST_BINARY
from stedi_dagster.storage import storage_for
from stedi_dagster.wording import ago

TABLE = "customer_trusted"
REFUSED = "feeds of customers that the last run refused"
UNJUDGED = "files of customers that hide what they hold, or may not be read"
OVERLOOKED = "files of customers of which not everything is read: report it as a fault of the platform"
_LANDED = "customer_landing"
_FEED = FEEDS[_LANDED]
# Where people are by their addresses, and may be only as long as they agree.
PEOPLE = [(name, spec.name) for name, contract in CONSENTED.items() for spec in contract.identifying("person")]


@dataclass(frozen=True)
class Pending:
    """How many people are in a table who have withdrawn, and when the first of them did (epoch ms).

    `unjudged` are the files in which others may have, `overlooked` those of which landing has not read everything.
    """

    people: int
    since_ms: float | None
    unjudged: int
    overlooked: int


def find_pending(evidence: Evidence) -> Iterator[Finding]:
    """People who have withdrawn and are in a table all the same: a warning as long as no run can have seen it.

    Raises:
        LandingError: the landing zone cannot be read.
    """
    pending = pending_withdrawals(evidence.settings.landing, evidence.lakehouse)
    refused = _was_refused(evidence.lakehouse)
    if pending.people:
        fails = refused or pending.unjudged > 0 or pending.overlooked > 0 or _was_read(evidence)
        yield Finding(TABLE, _problem(pending, evidence.now_ms), pending.people, fails=fails)
    if pending.unjudged:
        yield Finding(TABLE, UNJUDGED, pending.unjudged, fails=True)
    if pending.overlooked:
        yield Finding(TABLE, OVERLOOKED, pending.overlooked, fails=True)
    if refused:
        yield Finding(TABLE, REFUSED, 1, fails=True)


def pending_withdrawals(landing: str, lakehouse: Lakehouse) -> Pending:
    """Look for them.

    Args:
        landing: the landing zone's folder or s3:// URL.
        lakehouse: the tables.

    Raises:
        LandingError: the landing zone cannot be read.
    """
    raw = _RawFiles(landing, _people(lakehouse))
    last: dict[str, Word] = {}
    for person, word in raw.words():
        last[person] = max(word, last.get(person, word))
    refusals = [word.moment for word in last.values() if word.refuses]
    dated = [moment for moment in refusals if moment != UNDATED]
    return Pending(len(refusals), min(dated, default=None), raw.unjudged, raw.overlooked)


def current_snapshots(lakehouse: Lakehouse) -> dict[str, Snapshot]:
    """What is published of the eight tables."""
    tables = {name: lakehouse.table(name) for name in TABLES}
    current = {name: table.current_snapshot() for name, table in tables.items() if table}
    return {name: snapshot for name, snapshot in current.items() if snapshot}


class _RawFiles:
    """What the raw files say of the people who are in a table, and how many of them cannot be judged."""

    def __init__(self, landing: str, people: set[str]) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._landing = landing
        self._people = people
        self._known = Known(people)
        self._latest_ms = latest_ms(now_ms)
        self.unjudged = 0
        self.overlooked = 0

    def words(self) -> Iterator[tuple[str, Word]]:
        """Everything that is said, file by file: one that cannot be read does not hide the others."""
        if not self._people:
            return
        storage = storage_for(self._landing)
        listed = {file.path for file in list_files(self._landing, _FEED).files}
        there = delivered(self._landing, _FEED.folder)
        self.overlooked += len(there - listed)
        for path in sorted(listed | there):
            hidden, binary, addresses = False, 0, 0
            try:
                with storage.open(path) as stream:
                    for document in read_documents(stream):
                        hidden |= document.reason is not None and hides(document.reason)
                        binary += len(document.text) if document.is_binary else 0
                        addresses += document.text.count("@")
                        yield from self._said_by(document.text)
                    stream.seek(0)
                    self.overlooked += addresses < addresses_in(stream)
            except (OSError, LandingError):
                hidden = True
            self.unjudged += hidden or binary >= LEAST_BINARY

    def _said_by(self, text: str) -> Iterator[tuple[str, Word]]:
        record = record_of(text, self._latest_ms)
        if record is None:
            # What cannot be read may be a withdrawal, and counts as one.
            written = written_at(text, self._latest_ms)
            word = Word(UNDATED if written is None else written, refuses=True)
            yield from ((person, word) for person in self._known.named_in(text))
        elif (person := self._known.whose(record.email)) is not None:
            yield person, record.word


def _was_refused(lakehouse: Lakehouse) -> bool:
    """Whether a run has refused the feed as it was last seen."""
    table = lakehouse.table(_FEED.quarantine)
    snapshot = table.current_snapshot() if table else None
    return snapshot is not None and SnapshotSummary.from_snapshot(snapshot, _FEED.quarantine).refused


def _was_read(evidence: Evidence) -> bool:
    """Whether a run has landed the files as they are."""
    snapshot = current_snapshots(evidence.lakehouse).get(_LANDED)
    return snapshot is not None and landed(evidence, _LANDED, snapshot)


def _people(lakehouse: Lakehouse) -> set[str]:
    found: set[str] = set()
    for name, column in PEOPLE:
        table = lakehouse.table(name)
        # One that was made before its contract had the column has it from the next run on.
        if table is not None and table.current_snapshot() is not None and column in table.schema().column_names:
            found.update(pc.unique(table.scan(selected_fields=(column,)).to_arrow()[column]).to_pylist())
    return found - {None}


def _problem(pending: Pending, now_ms: int) -> str:
    if pending.since_ms is None:
        return "people who have withdrawn, it is not said when"
    first = "" if pending.people == 1 else "the first "
    return f"people who have withdrawn, {first}{ago((now_ms - pending.since_ms) / 1000)}"
