"""What all storages have in common: the interface, and reading and writing through PyArrow's file systems."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
from pyarrow import fs
from pyarrow import parquet as pq

from stedi_dagster.storage.checksum import Checksum, ChecksumWriter


@dataclass(frozen=True)
class Entry:
    """A file in a listing; `version` changes with its content.

    `identity` is the same for all names of one file. A link that `leads_nowhere` is not readable.
    """

    path: str
    size: int
    version: str
    readable: bool = True
    identity: str = ""
    leads_nowhere: bool = False


@dataclass(frozen=True)
class OldVersion:
    """A former version of a file; one without content records a deletion."""

    path: str
    version: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Written:
    """The rows and the checksum of a file that was written."""

    rows: int
    checksum: Checksum


class Storage(ABC):
    """A file system, addressed by the paths that the catalog records."""

    filesystem: fs.FileSystem
    _reads: dict[str, int] | None = None

    @contextmanager
    def noting_reads(self) -> Iterator[Mapping[str, int]]:
        """Note which files are read while this lasts, with their bytes; whoever reads one says so by `note_reads`."""
        reads: dict[str, int] = {}
        self._reads = reads
        try:
            yield reads
        finally:
            self._reads = None

    def note_reads(self, sizes: Mapping[str, int]) -> None:
        """Say that files are read, of so many bytes each, whoever reads them."""
        if self._reads is not None:
            self._reads.update(sizes)

    @abstractmethod
    def entries(self, folder: str) -> list[Entry]:
        """Every file below a folder, and anything else there that is not a folder.

        Raises:
            FileNotFoundError: the folder does not exist.
        """

    @abstractmethod
    def delete(self, paths: Iterable[str]) -> None:
        """Delete files for good, with all their older versions, and the folders that become empty."""

    @abstractmethod
    def delete_folder(self, folder: str) -> None:
        """Delete a folder with everything in it, if it exists."""

    @abstractmethod
    def within(self, path: str) -> str:
        """A path in the form that `filesystem` expects."""

    def list(self, folder: str) -> list[str]:
        """Every file below a folder; none if it does not exist."""
        try:
            return [entry.path for entry in self.entries(folder)]
        except FileNotFoundError:
            return []

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading, with seeking."""
        stream: Any = self.filesystem.open_input_file(self.within(path))
        return stream  # type: ignore[no-any-return]

    def checksum(self, path: str) -> Checksum:
        """The present checksum of a file.

        Raises:
            FileNotFoundError: the file does not exist.
        """
        with self.open(path) as stream:
            return Checksum.of(stream)

    def digest(self, path: str) -> str | None:
        """The SHA-256 of a file's bytes; None where its version in a listing changes only when these do.

        Raises:
            FileNotFoundError: the file does not exist.
        """
        return self.checksum(path).sha256

    def footer(self, path: str) -> pq.FileMetaData:
        """The footer of a Parquet file."""
        return pq.read_metadata(self.within(path), filesystem=self.filesystem)

    def values(self, path: str, columns: Iterable[str]) -> int | None:
        """How many values in columns of a Parquet file are not null; None if its footer does not tell."""
        footer, names = self.footer(path), list(columns)
        statistics = [found for name in names for found in _statistics(footer, name)]
        if any(found is None or not found.has_null_count for found in statistics):
            return None
        nulls: int = sum(found.null_count for found in statistics)
        return int(footer.num_rows) * len(names) - nulls

    def bounds(self, path: str, column: str) -> tuple[Any, Any] | None:
        """The least and the greatest value in a column of a Parquet file; None if its footer does not tell."""
        statistics = _statistics(self.footer(path), column)
        if not statistics or any(found is None or not found.has_min_max for found in statistics):
            return None
        return min(found.min for found in statistics), max(found.max for found in statistics)

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None if it does not exist."""
        try:
            with self.open(path) as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    @abstractmethod
    def write(self, path: str, content: bytes) -> None:
        """Create or replace a small file atomically: readers see all of it or nothing."""

    @contextmanager
    def replacing(self, path: str) -> Iterator[IO[bytes]]:
        """Rewrite a file: readers see the old content until everything is written, and keep it if that fails."""
        with tempfile.TemporaryFile() as stream:
            yield stream
            stream.seek(0)
            self._replace(path, stream)

    @abstractmethod
    def check_replaceable(self, path: str) -> None:
        """Raise the error that `replacing` a file would, as far as it can be known beforehand."""

    @abstractmethod
    def _replace(self, path: str, stream: IO[bytes]) -> None:
        """Replace a file by the content of a stream, atomically."""

    @abstractmethod
    def delete_unfinished(self, folder: str) -> None:
        """Delete what `replacing` left behind below a folder when its process was killed."""

    @abstractmethod
    def old_versions(self, folder: str) -> Iterator[OldVersion]:
        """The versions that the storage keeps of files below a folder that were replaced or deleted."""

    @abstractmethod
    def delete_versions(self, versions: Iterable[OldVersion]) -> None:
        """Delete old versions for good."""

    def write_parquet(self, path: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Written:
        """Write a Parquet file batch by batch."""
        rows = 0
        with self.filesystem.open_output_stream(self.within(path)) as stream:
            file = ChecksumWriter(stream)
            with pq.ParquetWriter(file, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    rows += batch.num_rows
        return Written(rows, file.checksum)


def _statistics(footer: pq.FileMetaData, column: str) -> list[Any]:
    """What the footer of a Parquet file says of a column, by row group."""
    index = footer.schema.names.index(column)
    return [footer.row_group(number).column(index).statistics for number in range(footer.num_row_groups)]
