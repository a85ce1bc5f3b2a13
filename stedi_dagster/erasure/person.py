"""What tells who somebody is: every value that records and tables have of them, as traces for the ledger."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import CustomerLanding, CustomersCurated, CustomerTrusted, Participants
from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.ledger import Trace
from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.erasure.wanted import value_of
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.traces import traces

_TELLING = ("customerName", "phone", "serialNumber", "participantId")
_BY_FOLDED = {name.casefold(): name for name in _TELLING}
_TABLES = (CustomerLanding, CustomerTrusted, CustomersCurated, Participants)


def traces_of(person: str, lakehouse: Lakehouse, raw: RawFiles, by: Digester) -> set[Trace]:
    """All that is known of a person, from raw records and from every snapshot of the tables that name people.

    Args:
        person: the digest of their address.
        lakehouse: the tables.
        raw: the raw files.
        by: whose digests these are.
    """
    found = set(_in_raw_records(person, raw, by))
    for contract in _TABLES:
        found.update(_in_table(person, lakehouse, contract.table(), by))
    return {Trace.of(what, value, by) for what, value in found if value.strip()}


def _in_raw_records(person: str, raw: RawFiles, by: Digester) -> Iterator[tuple[str, str]]:
    for document in raw.documents(FEEDS["customer_landing"]):
        named = traces(document)
        owner = value_of(document.value, "email")
        people = (named.people or "").split("\n") if owner is None else [owner]
        # What names others, too, is not said to be hers or his.
        if len(people) == 1 and by.of(people[0]) == person:
            yield from _told_by(document)
            yield from (("serialNumber", serial) for serial in (named.devices or "").split("\n"))


def _told_by(document: Document) -> Iterator[tuple[str, str]]:
    if isinstance(document.value, Mapping):
        for key, value in document.value.items():
            if isinstance(value, str | int) and key.casefold() in _BY_FOLDED:
                yield _BY_FOLDED[key.casefold()], str(value)


def _in_table(person: str, lakehouse: Lakehouse, name: str, by: Digester) -> Iterator[tuple[str, str]]:
    table = lakehouse.table(name)
    if table is None:
        return
    for snapshot in table.metadata.snapshots:
        rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
        theirs = [email for email in pc.unique(rows["email"]).to_pylist() if email and by.of(email) == person]
        for row in rows.filter(pc.is_in(rows["email"], pa.array(theirs, pa.string()))).to_pylist():
            yield from ((what, str(row[what])) for what in _TELLING if row.get(what) is not None)
