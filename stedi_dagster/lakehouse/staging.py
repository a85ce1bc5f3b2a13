"""A table's new content before it is published: files in a folder of its own inside the table's location.

The folder is written once: a name is never used again, because a published table refers to the files in place.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.storage import Checksum, Storage

_ROWS_A_BATCH = 50_000
# What every reader of Parquet knows, and cheaper to write than what packs better.
_COMPRESSION = "snappy"


@dataclass(frozen=True)
class Content:
    """Parquet files that together are what a table holds, or is to hold."""

    contract: type[Contract]
    paths: tuple[str, ...]
    rows: int
    folder: str
    # Of the files that this process wrote; the engine's are read once more, when they are published.
    checksums: Mapping[str, Checksum] = field(default_factory=dict, compare=False)

    def frame(self, session: SparkSession) -> DataFrame:
        """The content as the files have it."""
        if not self.paths:
            return session.createDataFrame([], self.contract.struct())
        return session.read.parquet(*self.paths)


class Staging:
    """A fresh folder to write a table's new content to."""

    def __init__(self, contract: type[Contract], location: str, storage: Storage) -> None:
        self.contract = contract
        self.folder = f"{location}/data/{uuid.uuid4()}"
        self._storage = storage
        self._parts = 0
        self._checksums: dict[str, Checksum] = {}

    def write_frame(self, frame: DataFrame) -> None:
        """Let the engine write a frame. Once only: engines refuse, or replace, a folder that exists."""
        frame.write.option("compression", _COMPRESSION).parquet(f"{self.folder}/engine")

    def write_rows(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write rows that this process holds, in the contract's column order; return their number."""
        schema = arrow_schema(self.contract)
        batches = _batches(iter(rows), schema)
        first = next(batches, None)
        if first is None:
            return 0
        return self.write_batches(chain([first], batches))

    def write_batches(self, batches: Iterable[pa.RecordBatch]) -> int:
        """Write Arrow batches of the contract's schema; return their number of rows."""
        self._parts += 1
        path = f"{self.folder}/part-{self._parts:05d}.parquet"
        written = self._storage.write_parquet(path, arrow_schema(self.contract), iter(batches))
        self._checksums[path] = written.checksum
        return written.rows

    def content(self) -> Content:
        """What was written, by the files' own footers; what is no table data is removed."""
        files = self._storage.list(self.folder)
        data = [path for path in files if _is_data(path)]
        self._storage.delete(set(files) - set(data))
        footers = {path: self._storage.footer(path).num_rows for path in sorted(data)}
        self._storage.delete(path for path, rows in footers.items() if rows == 0)
        kept = {path: rows for path, rows in footers.items() if rows}
        checksums = {path: self._checksums[path] for path in kept if path in self._checksums}
        return Content(self.contract, tuple(kept), sum(kept.values()), self.folder, checksums)

    def values(self, columns: Sequence[str]) -> int | None:
        """How many values of some columns are not null, by the files' footers; None where one does not tell."""
        counts = [self._storage.values(path, columns) for path in self._storage.list(self.folder)]
        return None if None in counts else sum(count for count in counts if count is not None)

    def column(self, name: str) -> Iterator[str]:
        """The values of a text column of what was written."""
        for path in filter(_is_data, self._storage.list(self.folder)):
            with pq.ParquetFile(self._storage.within(path), filesystem=self._storage.filesystem) as file:
                for batch in file.iter_batches(columns=[name]):
                    yield from batch[name].to_pylist()

    def discard(self) -> None:
        """Remove everything that was written."""
        self._storage.delete_folder(self.folder)


def _is_data(path: str) -> bool:
    name = path.rsplit("/", maxsplit=1)[-1]
    return name.endswith(".parquet") and not name.startswith((".", "_"))


def _batches(rows: Iterator[tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while block := list(islice(rows, _ROWS_A_BATCH)):
        columns = [pa.array(column, field.type) for column, field in zip(zip(*block, strict=True), schema, strict=True)]
        yield pa.record_batch(columns, schema=schema)
