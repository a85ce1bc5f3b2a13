"""Files under the warehouse: listing, reading footers, writing, deleting. The one place that touches them directly."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

import pyarrow as pa
from pyarrow import fs
from pyarrow import parquet as pq


class Storage:
    """A file system, addressed by the paths that the catalog records."""

    def __init__(self) -> None:
        self._filesystem = fs.LocalFileSystem()

    def list(self, folder: str) -> list[str]:
        """Every file below a folder; none where there is no such folder."""
        selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
        return [info.path for info in self._filesystem.get_file_info(selector) if info.type == fs.FileType.File]

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files, and the folders that are empty without them."""
        folders = set()
        for path in paths:
            self._filesystem.delete_file(path)
            folders.add(PurePosixPath(path).parent)
        for folder in folders:
            self._delete_empty(folder)

    def delete_folder(self, folder: str) -> None:
        """Delete a folder with all that is in it, if it exists."""
        if self._filesystem.get_file_info(folder).type == fs.FileType.Directory:
            self._filesystem.delete_dir(folder)

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading, with seeking."""
        stream: Any = self._filesystem.open_input_file(path)
        return stream  # type: ignore[no-any-return]

    def footer(self, path: str) -> pq.FileMetaData:
        """The footer of a Parquet file."""
        return pq.read_metadata(path, filesystem=self._filesystem)

    def values(self, path: str, column: str) -> int | None:
        """How many values of a column of a Parquet file are not null, by its footer; None where it does not tell."""
        footer = self.footer(path)
        index = footer.schema.names.index(column)
        statistics = [footer.row_group(group).column(index).statistics for group in range(footer.num_row_groups)]
        if any(found is None or not found.has_null_count for found in statistics):
            return None
        nulls: int = sum(found.null_count for found in statistics)
        return int(footer.num_rows) - nulls

    def write_parquet(self, path: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Write a Parquet file batch by batch, and return its number of rows."""
        self._filesystem.create_dir(str(PurePosixPath(path).parent), recursive=True)
        rows = 0
        with pq.ParquetWriter(path, schema, filesystem=self._filesystem) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        return rows

    def _delete_empty(self, folder: PurePosixPath) -> None:
        while self._filesystem.get_file_info(str(folder)).type == fs.FileType.Directory:
            if self._filesystem.get_file_info(fs.FileSelector(str(folder))):
                return
            self._filesystem.delete_dir(str(folder))
            folder = folder.parent
