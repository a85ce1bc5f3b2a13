"""Files on this machine."""

import errno
import os
import re
import shutil
import stat
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa
from pyarrow import fs

from stedi_dagster.storage.base import Entry, OldVersion, Storage, Written

_UNFINISHED = ".unfinished"
_UNFINISHED_NAME = re.compile(rf"\.[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\{_UNFINISHED}")


class LocalStorage(Storage):
    """The local disk."""

    def __init__(self) -> None:
        self.filesystem = fs.LocalFileSystem()

    def entries(self, folder: str) -> list[Entry]:
        """See `Storage.entries`. Follows links; lists each folder once, under its own name if possible.

        A file's version is its modification time, which tools may set, plus what they cannot set: the time of its last
        change of any kind, and its inode number.
        """
        found: list[Entry] = []
        # Including the parents: a link to one of them is a loop.
        seen = {_identity(parent.stat()) for parent in Path(folder).resolve(strict=True).parents}
        folders, links = deque([folder]), deque[str]()
        while folders or links:
            # Links come after all folders have been listed under their own names.
            inner = folders.popleft() if folders else links.popleft()
            try:
                identity, items = _identity(Path(inner).stat()), os.scandir(inner)
            except FileNotFoundError:
                if inner == folder:
                    raise
                continue  # deleted meanwhile
            if identity in seen:
                continue
            seen.add(identity)
            with items:
                for item in sorted(items, key=lambda item: item.name):
                    os.fsencode(item.name).decode()  # raises if a name is not UTF-8
                    path = f"{inner}/{item.name}"
                    entry = _entry(path, item)
                    if entry is None:
                        (links if item.is_symlink() else folders).append(path)
                    elif entry.path:
                        found.append(entry)
        return found

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

    def old_versions(self, folder: str) -> Iterator[OldVersion]:  # noqa: ARG002 - same for any folder
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

    def check_replaceable(self, path: str) -> None:
        """See `Storage.check_replaceable`: creates a file beside it, because modes alone do not tell enough."""
        target = Path(path).resolve()
        trial = target.with_name(f".{uuid.uuid4()}{_UNFINISHED}")
        trial.touch(exist_ok=False)
        trial.unlink()
        folder = target.parent.stat()
        # With the sticky bit, only the owners of a file and of its folder may replace it.
        if folder.st_mode & stat.S_ISVTX and os.geteuid() not in (0, folder.st_uid, target.stat().st_uid):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def _replace(self, path: str, stream: IO[bytes]) -> None:
        # Follow links, and write beside the target: a file can be renamed into place only within one disk.
        target = Path(path).resolve()
        unfinished = target.with_name(f".{uuid.uuid4()}{_UNFINISHED}")
        try:
            with unfinished.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
            shutil.copymode(target, unfinished)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def write_parquet(self, path: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Written:
        """See `Storage.write_parquet`; creates a missing folder."""
        self.filesystem.create_dir(str(PurePosixPath(path).parent), recursive=True)
        return super().write_parquet(path, schema, batches)

    def _delete_empty(self, folder: PurePosixPath) -> None:
        while self.filesystem.get_file_info(str(folder)).type == fs.FileType.Directory:
            if self.filesystem.get_file_info(fs.FileSelector(str(folder))):
                return
            self.filesystem.delete_dir(str(folder))
            folder = folder.parent


def _entry(path: str, item: "os.DirEntry[str]") -> Entry | None:
    """An item of a folder; None if it is a folder, an entry without a path if it was deleted meanwhile."""
    try:
        status = item.stat()
    except OSError as error:
        if item.is_symlink():
            return Entry(path, 0, "", readable=False, leads_nowhere=True)
        if isinstance(error, FileNotFoundError):
            return Entry("", 0, "")
        raise
    if stat.S_ISDIR(status.st_mode):
        return None
    version = f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"
    return Entry(path, status.st_size, version, stat.S_ISREG(status.st_mode), _identity(status))


def _identity(status: os.stat_result) -> str:
    return f"{status.st_dev}-{status.st_ino}"
