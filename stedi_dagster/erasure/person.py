"""What tells who somebody is: every value that records and tables have of them, as traces for the ledger."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from stedi_dagster.contracts import CONTRACTS, LEDGER_WORDS, Column, Contract, CustomerLanding
from stedi_dagster.contracts.base import AHEAD_OF_RUN_MS
from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.fields import named_by, registration_of, split_lines
from stedi_dagster.erasure.ledger import DEVICE, OWN_PHONE, SHARED, TELEPHONE, Trace
from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import all_data_files
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.mentions import mentions_of
from stedi_dagster.landing.records import spelling


def _telling(contract: type[Contract], table: Table | None = None) -> dict[str, str]:
    """The columns that tell of a person in the rows that are theirs, and what the ledger calls what they tell.

    A table that is there may have been made before its contract had them all.
    """
    columns = (*contract.identifying("device", "participant"), *contract.describing())
    return {
        spec.name: LEDGER_WORDS[tells]
        for spec in columns
        if spec.holds == "value" and (tells := spec.identifies or spec.describes) and _has(table, spec)
    }


def _people(contract: type[Contract], table: Table | None = None) -> list[str]:
    return [spec.name for spec in contract.identifying("person") if spec.holds == "value" and _has(table, spec)]


def _has(table: Table | None, spec: Column) -> bool:
    return table is None or spec.name in table.schema().column_names


_LANDING = {feed.contract.table(): feed.contract for feed in FEEDS.values()}
# Also of raw records, where a key may be spelt in several ways.
_BY_SPELLING = {spelling(name): word for contract in CONTRACTS.values() for name, word in _telling(contract).items()}
# Of fewer, or none ("n/a"), a telephone number is anybody's.
_FEWEST_DIGITS = 7


@dataclass(frozen=True)
class Known:
    """What is known of a person: what tells who they are, and their latest registration (epoch ms; 0 without one)."""

    traces: frozenset[Trace]
    latest_ms: int


def known_of(person: str, lakehouse: Lakehouse, raw: RawFiles, digester: Digester) -> Known:
    """All that is known of a person, from raw records and from every snapshot of the tables that name people.

    Args:
        person: the digest of their address.
        lakehouse: the tables.
        raw: the raw files.
        digester: whose digests these are.
    """
    found: set[tuple[str, str]] = set()
    of_others: set[tuple[str, str]] = set()
    registered = [0]

    def note_others(rows: pa.Table) -> None:
        # As landing reads them: a record that can be read carries the device in its field.
        for name, word in _telling(CustomerLanding).items():
            if word in (TELEPHONE, DEVICE):
                of_others.update((word, value) for value in pc.unique(rows[name]).to_pylist() if value)

    feed = FEEDS["customer_landing"]
    for document in raw.documents(feed, lambda _, one: digester.of(one) == person, note_others):
        named = mentions_of(document)
        devices = set(split_lines(named.devices))
        # What names others, too, is not said to be hers or his.
        people = [digester.of(one) for one in named_by(document.value, named.people)]
        if people == [person]:
            found.update(_described_by(document))
            found.update((DEVICE, device) for device in devices)
            registered.append(registration_of(document.value) or 0)
        elif people:
            of_others.update((what, value) for what, value in _described_by(document) if what == TELEPHONE)
            of_others.update((DEVICE, device) for device in devices)
    for name, contract in CONTRACTS.items():
        if _people(contract) and _telling(contract):
            found.update(_in_table(person, lakehouse, name, contract, digester))
    known = {Trace.of(what, value, digester) for what, value in found if value.strip()}
    shared = landed_of_others(person, lakehouse, digester, DEVICE, TELEPHONE)
    shared |= {Trace.of(what, value, digester) for what, value in of_others if value.strip()}
    phones = {Trace.of(what, value, digester) for what, value in found if what == TELEPHONE and _is_long_enough(value)}
    known |= {Trace(OWN_PHONE, trace.digest, trace.words) for trace in phones - shared}
    known |= {Trace(SHARED, trace.digest, trace.words) for trace in known & shared if trace.what == DEVICE}
    # What is dated further ahead does not land: it says nothing of when they registered.
    soon_ms = time.time_ns() // 1_000_000 + AHEAD_OF_RUN_MS
    return Known(frozenset(known), max(moment for moment in registered if moment <= soon_ms))


def landed_of_others(person: str, lakehouse: Lakehouse, digester: Digester, *whats: str) -> set[Trace]:
    """What other people's landed records have of some kinds, like serial numbers."""
    found: set[Trace] = set()
    for name, contract in _LANDING.items():
        table = lakehouse.table(name)
        if table is None or table.current_snapshot() is None:
            continue
        people = _people(contract, table)
        telling = {one: word for one, word in _telling(contract, table).items() if word in whats}
        if not people or not telling:
            continue
        rows = table.scan(selected_fields=(*people, *telling)).to_arrow()
        for row in rows.group_by(rows.column_names).aggregate([]).to_pylist():
            if not any(row[one] and digester.of(row[one]) == person for one in people):
                found |= {
                    Trace.of(word, row[one], digester) for one, word in telling.items() if (row[one] or "").strip()
                }
    return found


def landed_addresses(lakehouse: Lakehouse) -> set[str]:
    """The addresses of everybody who has landed, as they stand there."""
    found: set[str] = set()
    for name, contract in _LANDING.items():
        table = lakehouse.table(name)
        if table is None or table.current_snapshot() is None:
            continue
        for column in _people(contract, table):
            found.update(pc.unique(table.scan(selected_fields=(column,)).to_arrow()[column]).to_pylist())
    return found - {None}


def _is_long_enough(phone: str) -> bool:
    return sum(map(str.isdigit, phone)) >= _FEWEST_DIGITS


def _described_by(document: Document) -> Iterator[tuple[str, str]]:
    if isinstance(document.value, Mapping):
        for key, value in document.value.items():
            # What is not read under another spelling of its key tells of them all the same.
            if isinstance(value, str | int) and (what := _BY_SPELLING.get(spelling(key))):
                yield what, str(value)


def _in_table(
    person: str, lakehouse: Lakehouse, name: str, contract: type[Contract], digester: Digester
) -> Iterator[tuple[str, str]]:
    table = lakehouse.table(name)
    if table is None:
        return
    named, telling = _people(contract), _telling(contract)
    for rows in all_data_files(table, contract, lakehouse.storage).batches([*named, *telling]):
        people = [rows[column] for column in named]
        theirs = [(pc.is_in(each, _spellings(person, each, digester)), pc.is_null(each)) for each in people]
        # Of a row that names somebody else, too, it is not said whose the rest of it is.
        theirs_alone = reduce(pc.and_, (pc.or_(hers, null) for hers, null in theirs))
        for row in rows.filter(pc.and_(theirs_alone, reduce(pc.or_, (hers for hers, _ in theirs)))).to_pylist():
            yield from ((word, str(row[one])) for one, word in telling.items() if row[one] is not None)


def _spellings(person: str, column: pa.Array, digester: Digester) -> pa.Array:
    """How somebody's address is written in a column."""
    return pa.array([one for one in pc.unique(column).to_pylist() if one and digester.of(one) == person], pa.string())
