"""Deleting rows: from a published table, in one commit, or from staged files before they are committed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

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


class Going(NamedTuple):
    """Rows that are deleted from some data files.

    Attributes:
        files: the files that are rewritten.
        masks: of each of them that holds such rows, by its path, which they are.
    """

    files: DataFiles
    masks: Mapping[str, pa.BooleanArray]

    @property
    def rows(self) -> int:
        """How many they are."""
        return sum(mask.true_count for mask in self.masks.values())


def find(files: DataFiles, columns: Sequence[str], mask: Mask) -> Going:
    """The files that hold rows for which a mask is true, and which rows these are.

    Args:
        files: the files.
        columns: what the mask needs to see; without any, it is true for none.
        mask: which rows.
    """
    masks = {}
    for path in files.paths if columns else ():
        of_batches = [mask(batch) for batch in files.only([path]).batches(columns)]
        if any(one.true_count for one in of_batches):
            masks[path] = pa.concat_arrays(of_batches)
    return Going(files.only(masks), masks)


def to_rewrite(snapshot: Snapshot, columns: Sequence[str], mask: Mask, *, readable: bool = False) -> Going:
    """What is rewritten where some rows of a snapshot are deleted.

    Args:
        snapshot: the snapshot.
        columns: what the mask needs to see.
        mask: which rows.
        readable: whether files that are gone are passed over.
    """
    files = snapshot.files.there() if readable else snapshot.files
    going = find(files, columns, mask)
    # All files of a table have the same columns, also where its contract is newer than they are.
    are_alike = set(snapshot.table.schema().column_names) == set(files.contract.names())
    return going if are_alike or not going.masks else going._replace(files=files)


def rows_without(going: Going, remainder: Remainder) -> Iterator[pa.RecordBatch]:
    """The rows of the files that are rewritten, but for those that go.

    Args:
        going: the files, and which rows go.
        remainder: what stands in the place of rows that go.
    """
    schema = arrow_schema(going.files.contract)
    for path in going.files.paths:
        at = 0
        for batch in going.files.only([path]).batches(going.files.contract.names()):
            parts = [batch]
            if path in going.masks:
                mask = going.masks[path].slice(at, len(batch))
                parts = [batch.filter(pc.invert(mask)), remainder(batch.filter(mask))]
            at += len(batch)
            yield from (rows.cast(schema) for rows in parts if rows.num_rows)


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
    going = to_rewrite(snapshot, columns, mask, readable=readable)
    if not going.masks:
        return 0
    table = lakehouse.ensure_table(name, contract)
    staged = lakehouse.stage(table, contract)
    staged.write_batches(rows_without(going, remainder))
    deleted = getattr(snapshot.summary, since) + going.rows
    summary = snapshot.summary.model_copy(update={"inputs": inputs, "same_since": None, since: deleted})
    stays = snapshot.files.without(going.files.paths)
    lakehouse.amend(table, staged.files(), summary, stays=stays, gone=going.files.paths).publish()
    return going.rows
