"""Deleting rows: from a published table, in one commit, or from staged files before they are committed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.snapshot import Snapshot

Mask = Callable[[pa.RecordBatch], pa.BooleanArray]
Remainder = Callable[[pa.RecordBatch], pa.RecordBatch]


def count(files: DataFiles, columns: Sequence[str], mask: Mask) -> int:
    """How many rows of some files a mask is true for.

    Args:
        files: the files.
        columns: what the mask needs to see; without any, it is true for none.
        mask: which rows.
    """
    if not columns:
        return 0
    return sum(pc.sum(mask(batch)).as_py() or 0 for batch in files.batches(columns))


def to_rewrite(
    snapshot: Snapshot, columns: Sequence[str], mask: Mask, *, readable: bool = False
) -> tuple[DataFiles, int]:
    """The data files that are rewritten where some rows of a snapshot are deleted, and how many these rows are.

    Args:
        snapshot: the snapshot.
        columns: what the mask needs to see.
        mask: which rows.
        readable: whether files that are gone are passed over.
    """
    files = snapshot.files.there() if readable else snapshot.files
    found = {path: rows for path in files.paths if (rows := count(files.only([path]), columns, mask))}
    # All files of a table have the same columns, also where its contract is newer than they are.
    are_alike = set(snapshot.table.schema().column_names) == set(files.contract.names())
    return files.only(found) if are_alike or not found else files, sum(found.values())


def rows_without(files: DataFiles, mask: Mask, remainder: Remainder) -> Iterator[pa.RecordBatch]:
    """The rows of some files, but for those that a mask is true for.

    Args:
        files: the files.
        mask: which rows go.
        remainder: what stands in the place of rows that go.
    """
    schema = arrow_schema(files.contract)
    for batch in files.batches(files.contract.names()):
        going = mask(batch)
        for rows in (batch.filter(pc.invert(going)), remainder(batch.filter(going))):
            if rows.num_rows:
                yield rows.cast(schema)


def nothing(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The remainder of rows that go as a whole."""
    return rows.slice(0, 0)


def delete_rows(  # noqa: PLR0913
    lakehouse: Lakehouse,
    name: str,
    contract: type[Contract],
    columns: Sequence[str],
    mask: Mask,
    remainder: Remainder,
    *,
    inputs: str,
    since: Literal["erased_since", "withdrawn_since"] = "erased_since",
    readable: bool = False,
) -> int:
    """Publish a table without the rows that a mask is true for, and return their number.

    Files that hold none of them stay as they are.

    Args:
        lakehouse: the caller holds its writer lock.
        name: the table.
        contract: its contract.
        columns: what the mask needs to see.
        mask: which rows.
        remainder: what is written in the place of rows that go.
        inputs: what the new snapshot is made from, so that the next run makes the table anew.
        since: what the number of rows is added to in what the snapshot records.
        readable: whether files that are gone are passed over, and stay in the table.
    """
    snapshot = lakehouse.read(name, contract)
    if snapshot is None:
        return 0
    going, rows = to_rewrite(snapshot, columns, mask, readable=readable)
    if not rows:
        return 0
    table = lakehouse.ensure_table(name, contract)
    staged = lakehouse.stage(table, contract)
    staged.write_batches(rows_without(going, mask, remainder))
    deleted = getattr(snapshot.summary, since) + rows
    summary = snapshot.summary.model_copy(update={"inputs": inputs, "same_since": None, since: deleted})
    stays = snapshot.files.without(going.paths)
    lakehouse.amend(table, staged.files(), summary, stays=stays, gone=going.paths).publish()
    return rows
