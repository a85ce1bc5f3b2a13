"""Taking rows out of a table's files: of a published table, in one commit, or of staged content before it is one."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.recorded import summary
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.staging import Content, Staging
from stedi_dagster.storage import Storage

# Recorded with a snapshot: how many rows of the table erasures have taken out since a run made it.
ERASED_SINCE = "erased-since"

Mask = Callable[[pa.RecordBatch], pa.BooleanArray]
Remainder = Callable[[pa.RecordBatch], pa.RecordBatch]


def count(storage: Storage, content: Content, columns: Sequence[str], mask: Mask) -> int:
    """How many rows of some content a mask is true for.

    Args:
        storage: where the files are.
        content: the files.
        columns: what the mask needs to see; without any, it is true for none.
        mask: which rows.
    """
    if not columns:
        return 0
    return sum(pc.sum(mask(batch)).as_py() or 0 for batch in batches(storage, content, columns))


def column(storage: Storage, content: Content, name: str) -> Iterator[str]:
    """The values of a column of some content."""
    for batch in batches(storage, content, [name]):
        yield from batch[name].to_pylist()


def rewrite_without(storage: Storage, content: Content, mask: Mask, remainder: Remainder, staging: Staging) -> Content:
    """Write the rows of some content again, but for those that a mask is true for; the old files stay.

    Args:
        storage: where the files are.
        content: the files.
        mask: which rows go.
        remainder: what is written in the place of rows that go.
        staging: where to.
    """

    def kept() -> Iterator[pa.RecordBatch]:
        schema = arrow_schema(content.contract)
        for batch in batches(storage, content, content.contract.names()):
            going = mask(batch)
            for rows in (batch.filter(pc.invert(going)), remainder(batch.filter(going))):
                if rows.num_rows:
                    yield rows.cast(schema)

    staging.write_batches(kept())
    return staging.content()


def delete_rows(  # noqa: PLR0913
    lakehouse: Lakehouse,
    name: str,
    contract: type[Contract],
    columns: Sequence[str],
    mask: Mask,
    remainder: Remainder,
    *,
    inputs: str,
    since: str = ERASED_SINCE,
) -> int:
    """Publish a table without the rows that a mask is true for, and return their number.

    Args:
        lakehouse: the caller holds its writer lock.
        name: the table.
        contract: its contract.
        columns: what the mask needs to see.
        mask: which rows.
        remainder: what is written in the place of rows that go.
        inputs: what the new snapshot is made from, so that the next run makes the table anew.
        since: what the number of rows is recorded as.
    """
    reading = lakehouse.read(name, contract)
    if reading is None:
        return 0
    rows = count(lakehouse.storage, reading.content, columns, mask)
    if rows:
        table = lakehouse.ensure_table(name, contract)
        content = rewrite_without(lakehouse.storage, reading.content, mask, remainder, lakehouse.stage(table, contract))
        gone = summary(reading.snapshot, since, 0) + rows
        lakehouse.prepare_again(table, content, inputs, {since: gone}).commit()
    return rows


def batches(storage: Storage, content: Content, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of some content, in their order; one that its contract did not have when it was made is null.

    Args:
        storage: where the files are.
        content: the files.
        columns: which of the contract's columns.
    """
    schema = arrow_schema(content.contract)
    for path in content.paths:
        with pq.ParquetFile(storage.within(path), filesystem=storage.filesystem) as file:
            for batch in file.iter_batches(columns=list(columns)):
                there = dict(zip(batch.schema.names, batch.columns, strict=True))
                found = [
                    there[name] if name in there else pa.nulls(len(batch), schema.field(name).type) for name in columns
                ]
                yield pa.RecordBatch.from_arrays(found, names=list(columns))
