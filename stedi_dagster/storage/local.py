"""Files on this machine."""

import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa
from pyarrow import fs

from stedi_dagster.storage.base import Entry, OldVersion, Storage

_UNFINISHED = ".unfinished"
_UNFINISHED_NAME = re.compile(rf"\.[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\{_UNFINISHED}")


class LocalStorage(Storage):
    """The local disk."""

    def __init__(self) -> None:
        self.filesystem = fs.LocalFileSystem()

    def entries(self, folder: str) -> list[Entry]:
        """See `Storage.entries`."""
        found = self.filesystem.get_file_info(fs.FileSelector(folder, recursive=True))
        return [
            Entry(info.path, info.size or 0, str(info.mtime_ns), info.type == fs.FileType.File)
            for info in found
            if info.type != fs.FileType.Directory
        ]

    def delete(self, paths: Iterable[str]) -> None:
        """See `Storage.delete`."""
        folders = set()
        for path in paths:
            self.filesystem.delete_file(path)
            folders.add(PurePosixPath(path).parent)
        for folder in folders:
            self._delete_empty(folder)

    def delete_folder(self, folder: str) -> None:
        """See `Storage.delete_folder`."""
        if self.filesystem.get_file_info(folder).type == fs.FileType.Directory:
            self.filesystem.delete_dir(folder)

    def within(self, path: str) -> str:
        """See `Storage.within`."""
        return path

    def delete_unfinished(self, folder: str) -> None:
        """See `Storage.delete_unfinished`."""
        for path in Path(folder).rglob(f".*{_UNFINISHED}"):
            if _UNFINISHED_NAME.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def old_versions(self, folder: str) -> Iterator[OldVersion]:  # noqa: ARG002 - whichever folder
        """See `Storage.old_versions`: the local disk keeps none."""
        return iter(())

    def delete_versions(self, versions: Iterable[OldVersion]) -> None:
        """See `Storage.delete_versions`."""

    def write(self, path: str, content: bytes) -> None:
        """See `Storage.write`."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{uuid.uuid4()}{_UNFINISHED}")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def _replace(self, path: str, stream: IO[bytes]) -> None:
        # What a link leads to; beside it, because a file can be renamed into place only within one disk.
        target = Path(path).resolve()
        unfinished = target.with_name(f".{uuid.uuid4()}{_UNFINISHED}")
        try:
            with unfinished.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
            shutil.copymode(target, unfinished)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def write_parquet(self, path: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """See `Storage.write_parquet`; the folder is made where it is missing."""
        self.filesystem.create_dir(str(PurePosixPath(path).parent), recursive=True)
        return super().write_parquet(path, schema, batches)

    def _delete_empty(self, folder: PurePosixPath) -> None:
        while self.filesystem.get_file_info(str(folder)).type == fs.FileType.Directory:
            if self.filesystem.get_file_info(fs.FileSelector(str(folder))):
                return
            self.filesystem.delete_dir(str(folder))
            folder = folder.parent
