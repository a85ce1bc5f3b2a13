"""What the platform has begun to write and may have to delete: a note in the warehouse before each file.

Only what a note names is ever swept away. A file that no note names and no snapshot refers to is somebody else's, or
from a release that wrote no notes: it stays.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from pyiceberg.table import Table, Transaction

from stedi_dagster.lakehouse.metadata import MetadataFile, is_metadata, read_metadata
from stedi_dagster.storage import Storage

FOLDER = "_staged"
# What PyIceberg puts into the names of all manifests of a commit.
_COMMIT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-m[0-9]+)?\.avro$")


@dataclass(frozen=True)
class Note:
    """What may be left over of one piece of work on one table.

    Attributes:
        path: the note's own file.
        folder: the folder of staged data files.
        snapshots: one of these is current once the work is done.
        commits: what the names of that commit's manifests hold.
        files: files that nothing refers to any more once the work is done.
        creates: whether the table itself was being made.
    """

    path: str
    folder: str | None = None
    snapshots: tuple[int, ...] = ()
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    creates: bool = False

    def explains(self, file: MetadataFile, after: str | None) -> bool:
        """Whether a metadata file that no catalog knows is of this work, which was stopped before its end.

        Args:
            file: the metadata file.
            after: the metadata file that the catalog knows; None where it knows no such table.
        """
        if after is None:
            return self.creates and not file.snapshots
        came_next = bool(file.log) and file.log[-1] == after
        return came_next and file.current in self.snapshots


@dataclass
class Journal:
    """The notes of one warehouse. Who writes them holds the writer lock."""

    storage: Storage
    warehouse: str
    _folder: str = field(init=False)

    def __post_init__(self) -> None:
        self._folder = f"{self.warehouse}/{FOLDER}"

    def begin_folder(self, table: str, folder: str) -> None:
        """Note that files of a table are about to be staged in a folder."""
        self._write(Note(self._path(table, folder), folder=folder))

    def begin_commit(self, table: Table, folder: str, transaction: Transaction) -> None:
        """Note that what is staged in a folder is about to be committed."""
        before = {snapshot.snapshot_id for snapshot in table.metadata.snapshots}
        new = [made for made in transaction.table_metadata.snapshots if made.snapshot_id not in before]
        note = Note(
            self._path(full_name(table), folder),
            folder=folder,
            snapshots=tuple(made.snapshot_id for made in new),
            commits=tuple(commit for made in new for commit in _COMMIT.findall(made.manifest_list)),
            # Those that the table's own log of them is going to forget.
            files=tuple(metadata_files(table)),
        )
        self._write(note)

    def begin_expiry(self, table: Table, files: Iterable[str]) -> None:
        """Note that only snapshots which are about to be removed refer to some files."""
        note = Note(
            self._path(full_name(table), "expiry"),
            snapshots=tuple(snapshot.snapshot_id for snapshot in table.metadata.snapshots),
            files=(*sorted(files), *metadata_files(table)),
        )
        self._write(note)

    def begin_properties(self, table: Table) -> None:
        """Note that a table's properties are about to change, and its snapshots are not."""
        current = table.metadata.current_snapshot_id
        note = Note(
            self._path(full_name(table), "properties"),
            snapshots=() if current is None else (current,),
            files=tuple(metadata_files(table)),
        )
        self._write(note)

    def begin_table(self, table: str) -> None:
        """Note that a table is about to be made."""
        self._write(Note(self._path(table, "table"), creates=True))

    def end(self, notes: Iterable[Note]) -> None:
        """Forget notes: nothing of theirs is left over."""
        self.storage.delete([note.path for note in notes])

    def notes(self, table: str) -> list[Note]:
        """The notes that are still there of a table."""
        return list(self._read(self.storage.list(f"{self._folder}/{table}")))

    def all_notes(self) -> dict[str, list[Note]]:
        """The notes that are still there, by table."""
        found: dict[str, list[Note]] = {}
        for note in self._read(self.storage.list(self._folder)):
            found.setdefault(note.path.split("/")[-2], []).append(note)
        return found

    def _path(self, table: str, work: str) -> str:
        return f"{self._folder}/{table}/{work.rsplit('/', maxsplit=1)[-1]}.json"

    def _write(self, note: Note) -> None:
        what = {key: value for key, value in asdict(note).items() if value and key != "path"}
        self.storage.write(note.path, json.dumps(what).encode())

    def _read(self, paths: Iterable[str]) -> Iterator[Note]:
        for path in sorted(paths):
            content = self.storage.read(path)
            if content is not None and path.endswith(".json"):
                what: dict[str, Any] = json.loads(content)
                known: dict[str, Any] = {
                    key: tuple(value) if isinstance(value, list) else value for key, value in what.items()
                }
                yield Note(path, **known)


def metadata_files(table: Table) -> list[str]:
    """The metadata files that a table knows of: the current one, and those before it."""
    return [table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)]


def full_name(table: Table) -> str:
    """What the journal calls a table."""
    return ".".join(table.name())


def left_over(table: Table, notes: Iterable[Note], storage: Storage) -> set[str]:
    """The files that notes name and that may still be there; some of them may be in use."""
    found: set[str] = set()
    commits: set[str] = set()
    for note in notes:
        found.update(note.files)
        commits.update(note.commits)
        if note.folder:
            found.update(storage.list(note.folder))
    known = set(metadata_files(table))
    for path in storage.list(f"{table.location()}/metadata"):
        if is_metadata(path):
            if path not in known and (file := read_metadata(storage, path)) is not None:
                ours = any(note.explains(file, file.log[-1] if file.log else None) for note in notes)
                found.update({path} if ours else ())
        elif any(commit in path for commit in commits):
            found.add(path)
    return found
