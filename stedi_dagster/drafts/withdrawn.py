"""Deleting the rows of people who withdrew from tables that cannot be made anew: a run in trouble only deletes."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import CONSENTED, TABLES, Column, Contract, CustomerLanding, CustomerTrusted, Participants
from stedi_dagster.drafts.releases import cut_again
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.drafts.statements import Statement
from stedi_dagster.erasure.delete_rows import delete_rows, nothing
from stedi_dagster.keys import key_of
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import Revisions

# Why a release has a new revision.
WITHDREW = "somebody withdrew"


def delete_withdrawn(run: Run, also: Iterable[str] = ()) -> int:
    """Delete the rows of whoever is not in customer_trusted, no longer agrees as landed, or is named.

    Nothing else changes: not customer_landing, by which it is judged, and not `participants`; so a killed run is simply
    done again.

    Args:
        run: the run; it holds the writer lock.
        also: the keys of further people whose rows are to be deleted.

    Returns:
        How many rows were deleted.

    Raises:
        PublishConflictError: another run published one of the tables at the same time.
    """
    run.lakehouse.holding.confirm()
    staying = trusted_people(run.lakehouse) & agreeing_people(run.lakehouse).keys() - set(also)
    # The last of them is customer_trusted, by which it is judged.
    stay = _Staying.of(run.lakehouse, staying)
    rows = sum(_delete_leavers(run, name, contract, stay) for name, contract in reversed(CONSENTED.items()))
    Revisions(run.lakehouse).record_cuts(WITHDREW)
    # What machine_learning_curated had lost before is in releases still, where the run that took it out was killed.
    cut_again(run.lakehouse, run_id=run.run_id)
    return rows


def trusted_people(lakehouse: Lakehouse) -> set[str]:
    """The keys of the people in customer_trusted."""
    rows = _rows(lakehouse, CustomerTrusted.table(), CustomerTrusted, ["email"])
    return {key_of(email) for (email,) in rows}


def agreeing_people(lakehouse: Lakehouse) -> dict[str, float]:
    """When everybody who agrees as landed last stated it (epoch ms), by their keys; whoever refuses is in no table."""
    last: dict[str, Statement] = {}
    names = ["email", "lastUpdateDate", "registrationDate", "shareWithResearchAsOfDate"]
    for email, updated, registered, agreed in _rows(lakehouse, "customer_landing", CustomerLanding, names):
        statement = Statement.of_record(key_of(email), updated, registered, agreed)
        last[statement.person] = max(statement, last.get(statement.person, statement), key=Statement.order)
    return {person: statement.moment for person, statement in last.items() if not statement.refuses}


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
    rows = delete_rows(
        run.lakehouse, name, contract, columns, going, nothing, inputs=made_from, since="withdrawn_since"
    )
    # Also where another run has deleted them, and was killed.
    if (table := run.lakehouse.table(name)) is not None:
        run.lakehouse.expire(table)
    return rows


def _rows(lakehouse: Lakehouse, name: str, contract: type[Contract], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    snapshot = lakehouse.read(name, contract)
    return iter(()) if snapshot is None else tuples(snapshot.files.batches(columns))
