"""The Parquet files that together hold a table's rows, whether they are committed or not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.storage import Checksum, Storage

# What the names of the parts of a staged table begin with whose rows were in other files of the table before.
MOVED = "moved"
# So many rows are read together: what is looked up once for each value in them costs less than in many small batches.
ROWS_AT_ONCE = 1 << 18
# What is a long lies between.
_ALWAYS = (-(1 << 63), (1 << 63) - 1)


@dataclass(frozen=True)
class DataFiles:
    """Parquet files with the rows of one table.

    Attributes:
        contract: the table's.
        sizes: how many bytes each file has, by its path.
        counts: how many rows each file holds, by its path.
        folder: the folder of those that were written last; the others are in folders beside it.
        storage: where the folder is.
        checksums: of the files that this process wrote; the engine's are read once more, when they are committed.
    """

    contract: type[Contract]
    sizes: Mapping[str, int]
    counts: Mapping[str, int]
    folder: str
    storage: Storage = field(compare=False, repr=False)
    checksums: Mapping[str, Checksum] = field(default_factory=dict, compare=False, repr=False)

    @property
    def rows(self) -> int:
        """How many rows all of them hold."""
        return sum(self.counts.values())

    @property
    def paths(self) -> tuple[str, ...]:
        """Their paths, in order."""
        return tuple(sorted(self.sizes))

    def beside(self, others: "DataFiles") -> "DataFiles":
        """These files, written last, and others that stay."""
        return replace(self, sizes={**others.sizes, **self.sizes}, counts={**others.counts, **self.counts})

    def without(self, paths: Iterable[str]) -> "DataFiles":
        """These files but for some."""
        return self.only(self.sizes.keys() - set(paths))

    def only(self, paths: Iterable[str]) -> "DataFiles":
        """Some of these files."""
        some = list(paths)
        return replace(
            self, sizes={path: self.sizes[path] for path in some}, counts={path: self.counts[path] for path in some}
        )

    def parts(self) -> "dict[str, DataFiles]":
        """These files by the part of a staged table that they were written as: its folder's name and the part's."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault("/".join(path.split("/")[-3:-1]), []).append(path)
        return {part: self.only(paths) for part, paths in found.items()}

    def moved(self) -> "DataFiles":
        """Those of these files whose rows were in other files of the table before, by the parts that they are."""
        return self.only(path for path in self.paths if path.split("/")[-2].startswith(MOVED))

    @cached_property
    def moments(self) -> tuple[int, int]:
        """The first and the last event time (epoch ms), by the files' footers; all times where one does not say."""
        column = self.contract.event_time()
        found = [self.storage.bounds(path, column) if column else None for path in self.sizes]
        known = [bounds for bounds in found if bounds]
        if not known or len(known) < len(found):
            return _ALWAYS
        return min(first for first, _ in known), max(last for _, last in known)

    def frame(self, session: SparkSession) -> DataFrame:
        """The rows, for the engine."""
        if not self.sizes:
            return session.createDataFrame([], self.contract.struct())
        self.storage.note_reads(self.sizes)
        return session.read.parquet(*self.paths)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of the rows, in this order; null where a file is older than the column."""
        schema = arrow_schema(self.contract)
        self.storage.note_reads(self.sizes)
        for path in self.paths:
            with pq.ParquetFile(self.storage.within(path), filesystem=self.storage.filesystem) as file:
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(columns)):
                    there = dict(zip(batch.schema.names, batch.columns, strict=True))
                    found = [
                        there[name] if name in there else pa.nulls(len(batch), schema.field(name).type)
                        for name in columns
                    ]
                    yield pa.RecordBatch.from_arrays(found, names=list(columns))

    def column(self, name: str) -> Iterator[Any]:
        """The values of a column."""
        for batch in self.batches([name]):
            yield from batch[name].to_pylist()

    def missing(self) -> int:
        """How many files are gone, or have another size than when they were written, by a listing."""
        return len(self.sizes) - len(self.there().sizes)

    def there(self) -> "DataFiles":
        """Those of these files that are there, with the size that they were written with, by a listing."""
        if not self.sizes:
            return self
        try:
            found = {entry.path: entry.size for entry in self.storage.entries(self.folder.rpartition("/")[0])}
        except FileNotFoundError:
            found = {}
        return self.only(path for path, size in self.sizes.items() if found.get(path) == size)
