"""A staged table: what was written of a table and is not committed, in a folder of its own inside its location.

The folder is written once: a name is never used again, because committed snapshots refer to the files in place.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.storage import Checksum, Entry, Storage

# The parts of a staged table, each in a folder of its own: what the engine wrote, what this process did, and what the
# engine is to read, which is none of the table's.
ENGINE, ROWS, RAW = "engine", "rows", "raw"
_ROWS_A_BATCH = 50_000
# What every reader of Parquet knows, and cheaper to write than what packs better.
_COMPRESSION = "snappy"


class StagedTable:
    """A fresh folder to write a table's next rows to."""

    def __init__(self, contract: type[Contract], location: str, storage: Storage) -> None:
        self.contract = contract
        self.folder = f"{location}/data/{uuid.uuid4()}"
        self._storage = storage
        self._parts = 0
        self._checksums: dict[str, Checksum] = {}

    @property
    def name(self) -> str:
        """The folder's name, which no other staged table has."""
        return self.folder.rpartition("/")[2]

    def write_frame(self, frame: DataFrame) -> None:
        """Let the engine write a frame. Once only: engines refuse, or replace, a folder that exists."""
        frame.write.option("compression", _COMPRESSION).parquet(f"{self.folder}/{ENGINE}")

    def write_raw(self, content: bytes) -> str:
        """Write what an engine is to read, and return its path; `files` deletes it."""
        self._parts += 1
        path = f"{self.folder}/{RAW}/part-{self._parts:05d}.json"
        self._storage.write(path, content)
        return path

    def write_rows(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write rows that this process holds, in the contract's column order; return their number."""
        schema = arrow_schema(self.contract)
        batches = _batches(iter(rows), schema)
        first = next(batches, None)
        if first is None:
            return 0
        return self.write_batches(chain([first], batches))

    def write_batches(self, batches: Iterable[pa.RecordBatch], *, part: str = ROWS) -> int:
        """Write Arrow batches of the contract's schema; return their number of rows.

        Args:
            batches: the rows.
            part: the name of the part of the staged table that they are.
        """
        self._parts += 1
        path = f"{self.folder}/{part}/part-{self._parts:05d}.parquet"
        written = self._storage.write_parquet(path, arrow_schema(self.contract), iter(batches))
        self._checksums[path] = written.checksum
        return written.rows

    def files(self) -> DataFiles:
        """What was written so far, counted by the files' own footers; whatever holds no rows is deleted."""
        found = {entry.path: entry.size for entry in self._entries()}
        data = sorted(path for path in found if _is_data(path))
        self._storage.delete(found.keys() - set(data))
        rows = {path: self._storage.footer(path).num_rows for path in data}
        self._storage.delete(path for path in data if rows[path] == 0)
        counts = {path: rows[path] for path in data if rows[path]}
        sizes = {path: found[path] for path in counts}
        checksums = {path: self._checksums[path] for path in counts if path in self._checksums}
        return DataFiles(self.contract, sizes, counts, self.folder, self._storage, checksums)

    def values(self, columns: Sequence[str]) -> int | None:
        """How many values of some columns are not null, by the files' footers; None where one does not say."""
        counts = [self._storage.values(path, columns) for path in self._storage.list(self.folder)]
        return None if None in counts else sum(count for count in counts if count is not None)

    def discard(self) -> None:
        """Delete everything that was written."""
        self._storage.delete_folder(self.folder)

    def _entries(self) -> list[Entry]:
        try:
            return self._storage.entries(self.folder)
        except FileNotFoundError:
            return []


def _is_data(path: str) -> bool:
    name = path.rsplit("/", maxsplit=1)[-1]
    return name.endswith(".parquet") and not name.startswith((".", "_"))


def _batches(rows: Iterator[tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while block := list(islice(rows, _ROWS_A_BATCH)):
        columns = [pa.array(column, field.type) for column, field in zip(zip(*block, strict=True), schema, strict=True)]
        yield pa.record_batch(columns, schema=schema)
