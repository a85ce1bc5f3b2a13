"""The audit `withdrawals`: is nobody in a table who has taken back their agreement in a raw file since?

Judged from the raw customer files, which may have come after the last run: read as landing reads them, and judged by
code of its own.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.audits.audit import Finding
from stedi_dagster.audits.evidence import Evidence
from stedi_dagster.contracts import TABLES, CustomerLanding
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.landing.records import RecordReader
from stedi_dagster.landing.traces import traces
from stedi_dagster.policies.keys import key_of
from stedi_dagster.storage import storage_for
from stedi_dagster.wording import ago

TABLE = "customer_trusted"
# Where people stand by their address.
_PEOPLE = {"customer_trusted": "email", "accelerometer_trusted": "user", "customers_curated": "email"}
# The moment of a refusal that does not say when it was made: it counts as the last word.
_UNDATED = math.inf


@dataclass(frozen=True)
class Pending:
    """How many people are in a table who have withdrawn, and when the first of them did (epoch ms)."""

    people: int
    since_ms: float | None


@dataclass(frozen=True, order=True)
class _Word:
    """What a record says about one person: the later one holds, and of two at once the refusal."""

    moment: float
    refuses: bool


def find_pending(evidence: Evidence) -> Iterator[Finding]:
    """People who have withdrawn and are in a table all the same.

    Raises:
        LandingError: the landing zone cannot be read.
    """
    pending = pending_withdrawals(evidence.settings.landing, evidence.lakehouse)
    if pending.people:
        yield Finding(TABLE, _problem(pending, evidence.now_ms), pending.people)


def pending_withdrawals(landing: str, lakehouse: Lakehouse) -> Pending:
    """Look for them.

    Args:
        landing: the landing zone's folder or s3:// URL.
        lakehouse: the tables.

    Raises:
        LandingError: the landing zone cannot be read.
    """
    there = _people(lakehouse)
    last: dict[str, _Word] = {}
    for person, word in _words(landing) if there else ():
        if person in there:
            last[person] = max(word, last.get(person, word))
    refusals = [word.moment for word in last.values() if word.refuses]
    dated = [moment for moment in refusals if moment != _UNDATED]
    return Pending(len(refusals), min(dated, default=None))


def current_snapshots(lakehouse: Lakehouse) -> dict[str, Snapshot]:
    """What is published of the eight tables."""
    tables = {name: lakehouse.table(name) for name in TABLES}
    current = {name: table.current_snapshot() for name, table in tables.items() if table}
    return {name: snapshot for name, snapshot in current.items() if snapshot}


def _words(landing: str) -> Iterator[tuple[str, _Word]]:
    feed = FEEDS["customer_landing"]
    storage = storage_for(landing)
    reader = RecordReader(CustomerLanding, now_ms=time.time_ns() // 1_000_000)
    for file in list_files(landing, feed).files:
        with storage.open(file.path) as stream:
            for document in read_documents(stream):
                yield from _said_by(document, reader)


def _said_by(document: Document, reader: RecordReader) -> Iterator[tuple[str, _Word]]:
    row, _ = reader.read(document.value) if document.reason is None else (None, "")
    if row is None:
        # What cannot be read may be a withdrawal, and counts as one.
        named = traces(document)
        moment = _UNDATED if named.moment is None else named.moment
        yield from ((key_of(person), _Word(moment, True)) for person in (named.people or "").split("\n") if person)
        return
    record = dict(zip(CustomerLanding.names(), row, strict=True))
    refuses = record["shareWithResearchAsOfDate"] is None
    moment = record["lastUpdateDate"] or record["registrationDate"] or (_UNDATED if refuses else 0)
    yield key_of(record["email"]), _Word(moment, refuses)


def _people(lakehouse: Lakehouse) -> set[str]:
    found: set[str] = set()
    for name, column in _PEOPLE.items():
        table = lakehouse.table(name)
        if table is not None and table.current_snapshot() is not None:
            found.update(pc.unique(table.scan(selected_fields=(column,)).to_arrow()[column]).to_pylist())
    return found


def _problem(pending: Pending, now_ms: int) -> str:
    if pending.since_ms is None:
        return "people who have withdrawn, it is not said when"
    first = "" if pending.people == 1 else "the first "
    return f"people who have withdrawn, {first}{ago((now_ms - pending.since_ms) / 1000)}"
