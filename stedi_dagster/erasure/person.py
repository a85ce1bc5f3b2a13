"""What tells who somebody is: every value that records and tables have of them, as traces for the ledger."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import (
    AccelerometerLanding,
    CustomerLanding,
    CustomersCurated,
    CustomerTrusted,
    Participants,
)
from stedi_dagster.contracts.base import AHEAD_OF_RUN_MS
from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.fields import moment_of, named_by, split_lines
from stedi_dagster.erasure.ledger import OWN_PHONE, SHARED, Trace
from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.records import spelling
from stedi_dagster.landing.traces import traces

_TELLING = ("customerName", "phone", "serialNumber", "participantId")
_BY_SPELLING = {spelling(name): name for name in _TELLING}
# Of fewer, or none ("n/a"), a telephone number is anybody's.
_FEWEST_DIGITS = 7
_TABLES = (CustomerLanding, CustomerTrusted, CustomersCurated, Participants)


@dataclass(frozen=True)
class Known:
    """What is known of a person: what tells who they are, and their latest registration (epoch ms; 0 without one)."""

    traces: frozenset[Trace]
    latest_ms: int


def known_of(person: str, lakehouse: Lakehouse, raw: RawFiles, by: Digester) -> Known:
    """All that is known of a person, from raw records and from every snapshot of the tables that name people.

    Args:
        person: the digest of their address.
        lakehouse: the tables.
        raw: the raw files.
        by: whose digests these are.
    """
    found: set[tuple[str, str]] = set()
    of_others: set[tuple[str, str]] = set()
    registered = [0]
    for document in raw.documents(FEEDS["customer_landing"]):
        named = traces(document)
        devices = set(split_lines(named.devices))
        # What names others, too, is not said to be hers or his.
        people = [by.of(one) for one in named_by(document.value, named.people)]
        if people == [person]:
            found.update(_described_by(document))
            found.update(("serialNumber", device) for device in devices)
            registered.append(moment_of(document.value, "registrationDate") or 0)
        elif people:
            of_others.update((what, value) for what, value in _described_by(document) if what == "phone")
            of_others.update(("serialNumber", device) for device in devices)
    for contract in _TABLES:
        found.update(_in_table(person, lakehouse, contract.table(), by))
    known = {Trace.of(what, value, by) for what, value in found if value.strip()}
    shared = landed_of_others(person, lakehouse, by, "serialNumber", "phone")
    shared |= {Trace.of(what, value, by) for what, value in of_others if value.strip()}
    phones = {Trace.of(what, value, by) for what, value in found if what == "phone" and _is_long_enough(value)}
    known |= {Trace(OWN_PHONE, trace.digest, trace.words) for trace in phones - shared}
    known |= {Trace(SHARED, trace.digest, trace.words) for trace in known & shared if trace.what == "serialNumber"}
    # What is dated further ahead does not land: it says nothing of when they registered.
    soon_ms = time.time_ns() // 1_000_000 + AHEAD_OF_RUN_MS
    return Known(frozenset(known), max(moment for moment in registered if moment <= soon_ms))


def landed_of_others(person: str, lakehouse: Lakehouse, by: Digester, *whats: str) -> set[Trace]:
    """What other people's landed records have of some kinds, like serial numbers."""
    table = lakehouse.table(CustomerLanding.table())
    if table is None or table.current_snapshot() is None:
        return set()
    rows = table.scan(selected_fields=("email", *whats)).to_arrow()
    others = [
        row for row in rows.group_by(rows.column_names).aggregate([]).to_pylist() if by.of(row["email"]) != person
    ]
    return {Trace.of(what, row[what], by) for row in others for what in whats if (row[what] or "").strip()}


def landed_addresses(lakehouse: Lakehouse) -> set[str]:
    """The addresses of everybody who has landed, as they stand there."""
    found: set[str] = set()
    for contract, column in ((CustomerLanding, "email"), (AccelerometerLanding, "user")):
        table = lakehouse.table(contract.table())
        if table is not None and table.current_snapshot() is not None:
            found.update(pc.unique(table.scan(selected_fields=(column,)).to_arrow()[column]).to_pylist())
    return found


def _is_long_enough(phone: str) -> bool:
    return sum(map(str.isdigit, phone)) >= _FEWEST_DIGITS


def _described_by(document: Document) -> Iterator[tuple[str, str]]:
    if isinstance(document.value, Mapping):
        for key, value in document.value.items():
            # What is not read under another spelling of its key tells of them all the same.
            if isinstance(value, str | int) and (what := _BY_SPELLING.get(spelling(key))):
                yield what, str(value)


def _in_table(person: str, lakehouse: Lakehouse, name: str, by: Digester) -> Iterator[tuple[str, str]]:
    table = lakehouse.table(name)
    if table is None:
        return
    for snapshot in table.metadata.snapshots:
        rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
        theirs = [email for email in pc.unique(rows["email"]).to_pylist() if email and by.of(email) == person]
        for row in rows.filter(pc.is_in(rows["email"], pa.array(theirs, pa.string()))).to_pylist():
            yield from ((what, str(row[what])) for what in _TELLING if row.get(what) is not None)
