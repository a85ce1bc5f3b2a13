"""People who were erased stay out of what is landed, although old files deliver them again."""

from collections import Counter
from collections.abc import Iterable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.erasure.delete_rows import count, find, rows_without
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.ledger import Erasure, recognising
from stedi_dagster.erasure.remainder import remaining_rows
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.staged import StagedTable


def without_erased(lakehouse: Lakehouse, erasures: Iterable[Erasure], *staged: StagedTable) -> Counter[str]:
    """Take out of staged tables what people sent who were erased; files that hold nothing of theirs stay as they are.

    Args:
        lakehouse: the caller holds its writer lock.
        erasures: all that there were.
        staged: the tables; customers' records before everything else.

    Returns:
        How many rows went, by the part of the staged tables that they were in.

    Raises:
        SettingsError: the erasures were recorded with another key.
    """
    gone: Counter[str] = Counter()
    digester = recognising(lakehouse, erasures)
    if digester is None:
        return gone
    erasing = ErasureFilter.erased(erasures, digester)
    for table in staged:
        files = table.files()
        if files.contract is CustomerLanding:
            staying = _staying(files, erasing)
            erasing = erasing.with_registered(staying).with_known(staying)
        gone += _take_out(table, files, erasing)
    return gone


def _staying(customers: DataFiles, erasing: ErasureFilter) -> set[str]:
    """The addresses in staged customer records that are not to go: of those, who was erased has registered anew."""
    staying: set[str] = set()

    def collect(rows: pa.RecordBatch) -> pa.BooleanArray:
        going = erasing.mask(rows, CustomerLanding)
        staying.update(rows["email"].filter(pc.invert(going)).to_pylist())
        return going

    count(customers, erasing.columns(CustomerLanding), collect)
    return staying


def _take_out(staged: StagedTable, files: DataFiles, erasing: ErasureFilter) -> Counter[str]:
    gone: Counter[str] = Counter()
    mask = partial(erasing.mask, contract=files.contract)
    for part, found in files.parts().items():
        going = find(found, erasing.columns(files.contract), mask)
        if going.masks:
            left = rows_without(going._replace(files=found), partial(remaining_rows, erasing=erasing))
            gone[part] = found.rows - staged.write_batches(left, part=part.rsplit("/", maxsplit=1)[-1])
            files.storage.delete(found.paths)
    return gone
