"""The checksums of a published snapshot's files, in a file beside its data that is published and expired with it.

Of the data files, the manifests and their list. Of the table's metadata file there can be none: the commit writes it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.published import reading_of
from stedi_dagster.lakehouse.recorded import CHECKSUMS, INPUTS, STAGED_IN, everything_recorded
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.storage import Checksum, Storage

if TYPE_CHECKING:
    from stedi_dagster.lakehouse.lakehouse import Lakehouse

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


def record(table: Table, transaction: Transaction, content: Content, storage: Storage) -> None:
    """Write the checksums of the snapshot that a transaction is about to publish.

    Args:
        table: the table, whose files are read.
        transaction: holds the snapshot, whose manifests are written.
        content: its data files.
        storage: where the files are.
    """
    snapshot = transaction.table_metadata.current_snapshot()
    assert snapshot is not None  # noqa: S101 - the transaction has made it
    manifests = [manifest.manifest_path for manifest in snapshot.manifests(table.io)]
    paths = [*content.paths, *manifests, snapshot.manifest_list]
    found = _each(paths, lambda path: content.checksums.get(path) or storage.checksum(path))
    files = {_within(table, path): asdict(checksum) for path, checksum in zip(paths, found, strict=True)}
    told = {"files": files, "sha256": _digest(files)}
    storage.write(f"{content.folder}/{_NAME}", json.dumps(told, indent=1).encode())


def add_checksums(lakehouse: "Lakehouse", table: Table, contract: type[Contract]) -> Table:
    """A table as it is now, with the checksums that another release did not record. Its files stay as they are.

    For tables that no run makes anew by itself.

    Args:
        lakehouse: the caller holds its writer lock.
        table: as it is now.
        contract: its contract.
    """
    snapshot, reading = table.current_snapshot(), reading_of(table, contract)
    recorded = everything_recorded(snapshot)
    # What others published is not vouched for.
    if reading is None or STAGED_IN not in recorded or checksum_file(table, snapshot):
        return table
    publication = lakehouse.prepare_again(table, reading.content, recorded[INPUTS], {})
    publication.commit()
    return publication.table


def checksum_file(table: Table, snapshot: Snapshot | None) -> str | None:
    """The file of a snapshot's checksums; None where there is none, because it was published without."""
    if snapshot is None or snapshot.summary is None or snapshot.summary.get(CHECKSUMS) != KIND:
        return None
    return f"{table.location()}/data/{snapshot.summary[STAGED_IN]}/{_NAME}"


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


def _each(names: Iterable[str], of: Callable[[str], _T]) -> list[_T]:
    """What a function says of each file, of several at once."""
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
        told = json.loads(content)
        if told["sha256"] != _digest(told["files"]):
            return None
        return {name: Checksum(**checksum) for name, checksum in told["files"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _digest(files: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _within(table: Table, path: str) -> str:
    return path.removeprefix(f"{table.location()}/")
