"""Deleting the rows of people who withdrew from tables that cannot be made anew: a run in trouble only deletes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import TABLES, Contract, CustomerLanding, Participants
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.drafts.statements import Statement
from stedi_dagster.erasure.delete_rows import delete_rows
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.policies.keys import key_of

# Whether a value that identifies whose a row is belongs to somebody who stays.
_Stays = Callable[[str], bool]


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
    return sum(
        _delete_leavers(run, name, column, stays) for name, (column, stays) in _places(run.lakehouse, staying).items()
    )


def trusted_people(lakehouse: Lakehouse) -> set[str]:
    """The keys of the people in customer_trusted."""
    return {key_of(email) for (email,) in _rows(lakehouse, "customer_trusted", TABLES["customer_trusted"], ["email"])}


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


def _places(lakehouse: Lakehouse, staying: set[str]) -> Mapping[str, tuple[str, _Stays]]:
    """By which column a row of each table is somebody's, and which of its values are of those who stay."""
    numbers = _rows(lakehouse, PARTICIPANTS, Participants, ["email", "participantId"])
    registered = {number for email, number in numbers if key_of(email) in staying}
    own: set[str] = set()
    others: set[str] = set()
    # Those that were published, too: a record may be gone from what has landed.
    for name in ("customer_landing", "customer_trusted", "customers_curated"):
        for email, serial in _rows(lakehouse, name, TABLES[name], ["email", "serialNumber"]):
            (own if key_of(email) in staying else others).add(key_of(serial))
    unshared = own - others
    return {
        "machine_learning_curated": ("participantId", registered.__contains__),
        "step_trainer_trusted": ("serialNumber", lambda serial: key_of(serial) in unshared),
        "accelerometer_trusted": ("user", lambda user: key_of(user) in staying),
        "customers_curated": ("email", lambda email: key_of(email) in staying),
        "customer_trusted": ("email", lambda email: key_of(email) in staying),
    }


def _delete_leavers(run: Run, name: str, column: str, stays: _Stays) -> int:
    def going(rows: pa.RecordBatch) -> pa.BooleanArray:
        gone = [value for value in pc.unique(rows[column]).to_pylist() if not stays(value)]
        return pc.is_in(rows[column], value_set=pa.array(gone, pa.string()))

    made_from = f"without who withdrew, run {run.run_id}"
    rows = delete_rows(
        run.lakehouse, name, TABLES[name], [column], going, _nothing, inputs=made_from, since="withdrawn_since"
    )
    if rows and (table := run.lakehouse.table(name)) is not None:
        run.lakehouse.expire(table)
    return rows


def _nothing(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.slice(0, 0)


def _rows(lakehouse: Lakehouse, name: str, contract: type[Contract], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    snapshot = lakehouse.read(name, contract)
    return iter(()) if snapshot is None else tuples(snapshot.files.batches(columns))
