"""Exporting a release: a folder of Parquet files that anything opens, with its card and a manifest."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.errors import ReleaseError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.locations import is_s3, lies_within, location
from stedi_dagster.releases import card
from stedi_dagster.releases.croissant import as_croissant
from stedi_dagster.releases.exports import Export, Exports
from stedi_dagster.releases.facts import ExportedFile, Release
from stedi_dagster.releases.fit import fit
from stedi_dagster.releases.read import release_of, rows_of
from stedi_dagster.settings import Settings
from stedi_dagster.split import PARTS
from stedi_dagster.storage import Storage, storage_for

MANIFEST = "manifest.json"
FORMAT = "stedi-release-1"
# Where the card is: under the name that dataset hubs and people look for first.
CARD, PAGE, CROISSANT = "README.md", "card.html", "croissant.json"


@dataclass(frozen=True)
class Exported:
    """What was exported, and where it is."""

    export: Export
    folder: str
    files: tuple[ExportedFile, ...]


def export(
    settings: Settings, lakehouse: Lakehouse, name: str, folder: str, *, recipient: str, tell: Callable[[str], None]
) -> Exported:
    """Write a release as it is now to a new folder, and record it in the ledger.

    Args:
        settings: where nothing may be written to.
        lakehouse: the caller holds its writer lock.
        name: the release's.
        folder: a folder of this machine, or s3://bucket/prefix; there must be nothing in it.
        recipient: for whom: a team or an organisation.
        tell: told what is happening.

    Raises:
        ReleaseError: it must not be exported, or not there.
        StediError: the tables cannot be read, or the ledger cannot be written.
        OSError: the folder cannot be written.
    """
    folder = place_of(folder)
    storage = storage_for(folder)
    _refuse_place(settings, folder, storage)
    with fit(settings, lakehouse, doing=f"of an export of {name}", tell=tell):
        release = release_of(lakehouse, name)
    if not release.current.rows:
        raise ReleaseError(f"Nothing is left of the release {name}: create another one.")
    exports, copy = Exports(lakehouse), Export.of(release.current, recipient)
    # Before the first file is written: a copy of which nobody knows could not be called back.
    exports.begin(copy)
    try:
        files, digest = _write(lakehouse, release, copy, folder, storage)
    except BaseException:
        storage.delete(storage.list(folder))
        exports.undo(copy)
        raise
    exports.finish(copy, digest)
    return Exported(copy, folder, files)


def place_of(folder: str) -> str:
    """Where a copy is, or is to be.

    Raises:
        ReleaseError: it is neither a folder of this machine nor a prefix on S3.
    """
    try:
        return location(folder)
    except ValueError as error:
        raise ReleaseError(f"{folder} is no place for a copy: {error}.") from None


def _refuse_place(settings: Settings, folder: str, storage: Storage) -> None:
    """Refuse a folder that is in use.

    Raises:
        ReleaseError: it is.
    """
    own = {
        "STEDI_HOME": str(settings.home),
        "STEDI_LANDING": settings.landing,
        "STEDI_WAREHOUSE": settings.warehouse_location,
    }
    for setting, place in own.items():
        if is_s3(folder) == is_s3(place) and lies_within(folder, place):
            raise ReleaseError(f"{folder} lies within {setting}, which is the platform's own: name another folder.")
    if storage.list(folder) or (not is_s3(folder) and Path(folder).exists() and any(Path(folder).iterdir())):
        raise ReleaseError(f"{folder} is not empty: name a new folder. A copy is never written over another one.")


def _write(
    lakehouse: Lakehouse, release: Release, copy: Export, folder: str, storage: Storage
) -> tuple[tuple[ExportedFile, ...], str]:
    """Write everything, the manifest last; return the data files and the manifest's digest."""
    schema = arrow_schema(MachineLearningCurated)
    data = []
    for part in PARTS:
        # Of a part that nobody is in, too: whoever loads the three need not know.
        path = f"{part}/part-00000.parquet"
        written = storage.write_parquet(f"{folder}/{path}", schema, rows_of(lakehouse, release.name, part))
        data.append(ExportedFile(path, part, written.rows, written.checksum.size, written.checksum.sha256))
    files: list[dict[str, Any]] = [asdict(file) for file in data]
    for name, text in _descriptions(release, tuple(data)):
        content = text.encode()
        storage.write(f"{folder}/{name}", content)
        files.append({"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest = {
        "format": FORMAT,
        "release": release.name,
        "revision": release.current.number,
        "export": copy.number,
        "exported": copy.begun_ms,
        "lakehouse": release.origin.lakehouse,
        "machine_learning_curated": release.origin.snapshot_id,
        "verify": "stedi release verify FOLDER",
        "files": files,
    }
    content = (json.dumps(manifest, indent=2) + "\n").encode()
    storage.write(f"{folder}/{MANIFEST}", content)
    return tuple(data), hashlib.sha256(content).hexdigest()


def _descriptions(release: Release, files: tuple[ExportedFile, ...]) -> Iterator[tuple[str, str]]:
    """The files that describe a release, by their names."""
    columns = MachineLearningCurated.columns()
    yield CARD, card.as_markdown(release, columns, files)
    yield PAGE, card.as_html(release, columns, files)
    yield CROISSANT, json.dumps(as_croissant(release, columns, files), indent=2, ensure_ascii=False) + "\n"
