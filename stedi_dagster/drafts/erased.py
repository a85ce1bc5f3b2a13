"""People who were erased stay out of what is landed, although old files deliver them again."""

from collections.abc import Iterable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.erasure.delete_rows import count, rewrite_without
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.ledger import Erasure, recognising
from stedi_dagster.erasure.remainder import remaining_rows
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse


def without_erased(
    lakehouse: Lakehouse, erasures: Iterable[Erasure], *staged: tuple[Table, DataFiles]
) -> list[DataFiles]:
    """Staged files without what people sent who were erased; files that hold nothing of theirs stay as they are.

    Args:
        lakehouse: the caller holds its writer lock.
        erasures: all that there were.
        staged: files with the table that they are staged for; customers' records before everything else.

    Raises:
        SettingsError: the erasures were recorded with another key.
    """
    digester = recognising(lakehouse, erasures)
    if digester is None:
        return [files for _, files in staged]
    erasing = ErasureFilter.erased(erasures, digester)
    left = []
    for table, files in staged:
        if files.contract is CustomerLanding:
            staying = _staying(files, erasing)
            erasing = erasing.with_registered(staying).with_known(staying)
        left.append(_without(lakehouse, table, files, erasing))
    return left


def _staying(customers: DataFiles, erasing: ErasureFilter) -> set[str]:
    """The addresses in staged customer records that are not to go: of those, who was erased has registered anew."""
    staying: set[str] = set()

    def collect(rows: pa.RecordBatch) -> pa.BooleanArray:
        going = erasing.mask(rows, CustomerLanding)
        staying.update(rows["email"].filter(pc.invert(going)).to_pylist())
        return going

    count(customers, erasing.columns(CustomerLanding), collect)
    return staying


def _without(lakehouse: Lakehouse, table: Table, files: DataFiles, erasing: ErasureFilter) -> DataFiles:
    mask = partial(erasing.mask, contract=files.contract)
    if not count(files, erasing.columns(files.contract), mask):
        return files
    staged = lakehouse.stage_beside(table, files.contract)
    left = rewrite_without(files, mask, partial(remaining_rows, erasing=erasing), staged)
    lakehouse.storage.delete(files.paths)
    return left
