"""The checksums of a published snapshot's files, in a file beside its data that is published and expired with it.

Of the data files, the manifests and their list. Of the table's metadata file there can be none: the commit writes it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from enum import StrEnum
from typing import Any, TypeVar

from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Snapshot as IcebergSnapshot

from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.summary import checksums_of, folder_of
from stedi_dagster.storage import Checksum, Storage

KIND = "sha-256"
# With an underscore: whoever reads a whole folder passes it over.
_NAME = "_checksums.json"
_FILES_AT_ONCE = 8
_T = TypeVar("_T")


class Damage(StrEnum):
    """What may have become of a published file."""

    GONE = "gone"
    CUT_SHORT = "cut short"
    ALTERED = "altered"


def record(table: Table, transaction: Transaction, files: DataFiles, storage: Storage) -> None:
    """Write the checksums of the snapshot that a transaction is about to publish.

    Of files that were published before, those that were recorded then: only what is new is read.

    Args:
        table: the table, whose files are read.
        transaction: holds the snapshot, whose manifests are written.
        files: its data files.
        storage: where the files are.
    """
    snapshot = transaction.table_metadata.current_snapshot()
    assert snapshot is not None  # noqa: S101 - the transaction has made it
    manifests = [manifest.manifest_path for manifest in snapshot.manifests(table.io)]
    paths = [*files.paths, *manifests, snapshot.manifest_list]
    before = _before(table, storage)
    known = {path: before[_within(table, path)] for path in paths if _within(table, path) in before}
    known |= files.checksums
    found = _each(paths, lambda path: known.get(path) or storage.checksum(path))
    recorded = {_within(table, path): asdict(checksum) for path, checksum in zip(paths, found, strict=True)}
    content = {"files": recorded, "sha256": _digest(recorded)}
    storage.write(f"{files.folder}/{_NAME}", json.dumps(content, indent=1).encode())


def checksum_file(table: Table, snapshot: IcebergSnapshot | None) -> str | None:
    """The file of a snapshot's checksums; None where there is none, because it was published without."""
    if checksums_of(snapshot) != KIND:
        return None
    return f"{table.location()}/data/{folder_of(snapshot)}/{_NAME}"


def damaged_files(table: Table, storage: Storage) -> dict[str, Damage] | None:
    """The files of a table's current snapshot that are not what was published; None where that was not recorded.

    Reads all of them.

    Args:
        table: as it is now; the names are those within its location.
        storage: where the files are.
    """
    path = checksum_file(table, table.current_snapshot())
    if path is None:
        return None
    content = storage.read(path)
    recorded = None if content is None else _recorded(content)
    if recorded is None:
        return {_within(table, path): Damage.GONE if content is None else Damage.ALTERED}
    found = _each(recorded, lambda name: _damage(recorded[name], storage, f"{table.location()}/{name}"))
    damages = dict(zip(recorded, found, strict=True))
    return {name: damage for name, damage in damages.items() if damage}


def _before(table: Table, storage: Storage) -> dict[str, Checksum]:
    """What was recorded of the files of a table's current snapshot; nothing where that cannot be read."""
    path = checksum_file(table, table.current_snapshot())
    content = storage.read(path) if path else None
    return (_recorded(content) if content else None) or {}


def _each(names: Iterable[str], of: Callable[[str], _T]) -> list[_T]:
    """What a function returns for each file, for several at once."""
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        return list(pool.map(of, names))


def _damage(before: Checksum, storage: Storage, path: str) -> Damage | None:
    try:
        now = storage.checksum(path)
    except FileNotFoundError:
        return Damage.GONE
    if now == before:
        return None
    return Damage.CUT_SHORT if now.size < before.size else Damage.ALTERED


def _recorded(content: bytes) -> dict[str, Checksum] | None:
    """What was recorded, by file; None where the file itself is not what was written."""
    try:
        found = json.loads(content)
        if found["sha256"] != _digest(found["files"]):
            return None
        return {name: Checksum(**checksum) for name, checksum in found["files"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _digest(files: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _within(table: Table, path: str) -> str:
    return path.removeprefix(f"{table.location()}/")
