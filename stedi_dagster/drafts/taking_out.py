"""Where a table cannot be made, those who may not be in it go all the same: a run in trouble only takes people out."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import CONSENTED, TABLES, Column, Contract, CustomerLanding, CustomerTrusted, Participants
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.drafts.withdrawing import Said
from stedi_dagster.erasure.delete_rows import batches, delete_rows
from stedi_dagster.keys import key_of
from stedi_dagster.lakehouse.lakehouse import Lakehouse

# Recorded with a snapshot: how many rows of the table were taken out since a run made it.
WITHDRAWN_SINCE = "withdrawn-since"


def take_out(run: Run, going: Iterable[str] = ()) -> int:
    """Take out of the tables whoever is not in customer_trusted, no longer agrees as landed, or is named.

    Nothing else changes: not customer_landing, by which it is judged, and not `participants`; so a killed run is simply
    done again.

    Args:
        run: the run; it holds the writer lock.
        going: the keys of people who are to go besides.

    Returns:
        How many rows were taken out.

    Raises:
        PublishConflictError: another run published one of the tables at the same time.
    """
    run.lakehouse.holding.confirm()
    staying = trusted_people(run.lakehouse) & agreeing_people(run.lakehouse).keys() - set(going)
    # The last of them is customer_trusted, by which it is judged.
    stay = _Staying.of(run.lakehouse, staying)
    return sum(_delete_leavers(run, name, contract, stay) for name, contract in reversed(CONSENTED.items()))


def trusted_people(lakehouse: Lakehouse) -> set[str]:
    """The keys of the people in customer_trusted."""
    rows = _rows(lakehouse, CustomerTrusted.table(), CustomerTrusted, ["email"])
    return {key_of(email) for (email,) in rows}


def agreeing_people(lakehouse: Lakehouse) -> dict[str, float]:
    """When everybody who agrees as landed last said so (epoch ms), by their keys; whoever refuses is in no table."""
    last: dict[str, Said] = {}
    names = ["email", "lastUpdateDate", "registrationDate", "shareWithResearchAsOfDate"]
    for email, updated, registered, agreed in _rows(lakehouse, "customer_landing", CustomerLanding, names):
        said = Said.of_record(key_of(email), updated, registered, agreed)
        last[said.person] = max(said, last.get(said.person, said), key=Said.order)
    return {person: said.moment for person, said in last.items() if not said.refuses}


def tuples(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """The rows of batches."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


@dataclass(frozen=True)
class _Staying:
    """Who stays: the keys of people and of devices that are theirs alone, and their participantIds."""

    people: AbstractSet[str]
    devices: AbstractSet[str]
    participants: AbstractSet[str]

    @classmethod
    def of(cls, lakehouse: Lakehouse, people: AbstractSet[str]) -> "_Staying":
        """Their devices and numbers, by all tables that tell."""
        numbers = _rows(lakehouse, PARTICIPANTS, Participants, ["email", "participantId"])
        participants = {number for email, number in numbers if key_of(email) in people}
        own: set[str] = set()
        others: set[str] = set()
        # Those that were published, too: a record may be gone from what has landed.
        for name, contract in TABLES.items():
            for person, device in product(contract.identifying("person"), contract.identifying("device")):
                for address, serial in _rows(lakehouse, name, contract, [person.name, device.name]):
                    if address and serial:
                        (own if key_of(address) in people else others).add(key_of(serial))
        return cls(people, own - others, participants)

    def without(self, column: pa.Array, spec: Column) -> pa.BooleanArray:
        """Which rows name, in a column, somebody who does not stay; null names nobody."""
        staying = {"person": self.people, "device": self.devices, "participant": self.participants}[
            spec.identifies or "person"
        ]
        gone = [
            value for value in pc.unique(column).to_pylist() if value is not None and _key(spec, value) not in staying
        ]
        return pc.is_in(column, value_set=pa.array(gone, pa.string()))


def _key(spec: Column, value: str) -> str:
    return value if spec.identifies == "participant" else key_of(value)


def _delete_leavers(run: Run, name: str, contract: type[Contract], staying: _Staying) -> int:
    named, devices = contract.identifying("person", "participant"), contract.identifying("device")

    def going(rows: pa.RecordBatch) -> pa.BooleanArray:
        everything = pa.array([True] * len(rows), pa.bool_())
        unnamed = reduce(pc.and_, (pc.is_null(rows[spec.name]) for spec in named), everything)
        nobodys = reduce(pc.and_, (pc.is_null(rows[spec.name]) for spec in devices), unnamed)
        by_device = [pc.and_(unnamed, staying.without(rows[spec.name], spec)) for spec in devices]
        return reduce(pc.or_, (*(staying.without(rows[spec.name], spec) for spec in named), *by_device), nobodys)

    made_from = f"without who withdrew, run {run.run_id}"
    columns = [spec.name for spec in (*named, *devices)]
    rows = delete_rows(run.lakehouse, name, contract, columns, going, _nothing, inputs=made_from, since=WITHDRAWN_SINCE)
    if rows and (table := run.lakehouse.table(name)) is not None:
        run.lakehouse.expire(table)
    return rows


def _nothing(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.slice(0, 0)


def _rows(lakehouse: Lakehouse, name: str, contract: type[Contract], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    reading = lakehouse.read(name, contract)
    return iter(()) if reading is None else tuples(batches(lakehouse.storage, reading.content, columns))
