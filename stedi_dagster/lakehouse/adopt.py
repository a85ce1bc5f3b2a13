"""Taking a warehouse's tables over into this catalog, whose former one is lost, older, or another's.

Which metadata of a table is the newest is Iceberg's to say, and not the files' times. No file is removed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pyiceberg.exceptions import NoSuchTableError, ValidationError
from pyiceberg.table import StaticTable, Table

from stedi_dagster.contracts import (
    CONTRACTS,
    TABLES,
    Erasures,
    MlRelease,
    Participants,
    ReleaseExports,
    ReleaseRevisions,
)
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.metadata import MetadataFile, is_metadata, name_of, read_metadata, version_of
from stedi_dagster.lakehouse.origin.identity import PROPERTY, Identity, read_identity, write_identity
from stedi_dagster.lakehouse.origin.recognise import is_within, listed, mark, refuse_other_database
from stedi_dagster.lakehouse.orphans import readable_files

_LEDGER, _PARTICIPANTS = Erasures.table(), Participants.table()
# What is lost with each, if it cannot be found: no run can make it anew.
_IRREPLACEABLE = {
    _LEDGER: "people who were erased may come back",
    _PARTICIPANTS: "everybody gets a new participantId",
    MlRelease.table(): "the rows of releases are gone",
    ReleaseRevisions.table(): "what releases there are is not known",
    ReleaseExports.table(): "who has copies of releases is not known",
}
_UNREADABLE = "newer metadata files that are gone or damaged"
_INCOMPLETE = "newer metadata whose files are gone"


@dataclass(frozen=True)
class AdoptedTable:
    """What is taken over of one table.

    Attributes:
        table: its name.
        metadata: the metadata file that it is registered with; None where none can be read.
        rows: how many rows its current snapshot has.
        lost: what is not taken over; nothing where all is well.
    """

    table: str
    metadata: str | None
    rows: int
    lost: str | None


def adopt(lakehouse: Lakehouse, *, accept_loss: bool, really: bool = True) -> list[AdoptedTable]:
    """Register the newest metadata of each table that the warehouse holds; the catalog is then the warehouse's own.

    Args:
        lakehouse: held by the caller, and not recognised.
        accept_loss: go on although the ledger of erasures or the participants cannot be found whole.
        really: whether to do it; otherwise only what would be done is returned.

    Raises:
        OriginError: there is nothing to take over, or something that cannot be made anew would be lost.
    """
    identity = _identity(lakehouse)
    refuse_other_database(lakehouse, identity)
    files = listed(lakehouse)
    chosen = {name: _choose(lakehouse, name, paths) for name, paths in files.items() if paths}
    if not chosen and identity is None:
        raise OriginError(f"The warehouse {lakehouse.warehouse} holds no table: there is nothing to adopt.")
    if really and not accept_loss:
        _refuse_loss(chosen, identity)
    if really:
        _register(lakehouse, identity, files, chosen)
    return list(chosen.values())


def missing(chosen: Iterable[AdoptedTable], identity: Identity | None) -> list[str]:
    """What no run can make anew and would be lost, as parts of a sentence."""
    found = {table.table: table for table in chosen}
    expected = {name for name in _IRREPLACEABLE if name in found}
    if found and (identity is None or identity.ledger):
        expected.add(_LEDGER)
    if any(name in found and contract.identifying("participant") for name, contract in TABLES.items()):
        expected.add(_PARTICIPANTS)
    return [
        f"{name} ({consequence})"
        for name, consequence in _IRREPLACEABLE.items()
        if name in expected and (name not in found or found[name].lost)
    ]


def _refuse_loss(chosen: Mapping[str, AdoptedTable], identity: Identity | None) -> None:
    if lost := missing(chosen.values(), identity):
        raise OriginError(
            f"Not to be found, or not whole: {' and '.join(lost)}. Nothing was changed. Bring the warehouse back from "
            "a backup, or run `stedi adopt --accept-loss` if there never was one, or if it is really lost."
        )


def _identity(lakehouse: Lakehouse) -> Identity | None:
    try:
        return read_identity(lakehouse.storage, lakehouse.warehouse)
    except OriginError:  # damaged
        return None


def _choose(lakehouse: Lakehouse, name: str, paths: list[str]) -> AdoptedTable:
    """The newest metadata whose files are all there; else the newest that can be read."""
    read = {path: read_metadata(lakehouse.storage, path) for path in paths if is_metadata(path)}
    readable = [file for file in read.values() if file and is_within(file.location, lakehouse.warehouse)]
    readable.sort(key=lambda file: file.order, reverse=True)
    if not readable:
        return AdoptedTable(name, None, 0, "all of it: no metadata of it can be read here")
    newest = readable[0]
    unreadable = sum(file is None and version_of(path) >= version_of(newest.path) for path, file in read.items())
    if not unreadable and _is_gone(lakehouse, name):
        unreadable = 1
    there = {_within(path, lakehouse.location_of(name)) for path in paths}
    whole = next((file for file in readable if _is_whole(lakehouse, file, there)), None)
    passed = readable.index(whole) if whole else 0
    counts = {_UNREADABLE: unreadable, _INCOMPLETE: passed}
    lost = [f"{number} {what}" for what, number in counts.items() if number]
    if whole is None:
        lost.append("files of its rows: the next run makes it anew")
    return AdoptedTable(name, (whole or newest).path, _rows(lakehouse, whole or newest), "; ".join(lost) or None)


def _is_gone(lakehouse: Lakehouse, name: str) -> bool:
    """Whether the catalog knows of metadata that cannot be read."""
    try:
        lakehouse.table(name)
    except OriginError:
        return True
    return False


def _within(path: str, location: str) -> str:
    """A file's path within its table's folder, which may be reached by several paths."""
    return path.removeprefix(f"{location}/")


def _static(lakehouse: Lakehouse, file: MetadataFile) -> Table:
    return StaticTable.from_metadata(file.path, properties=dict(lakehouse.catalog.properties))


def _is_whole(lakehouse: Lakehouse, file: MetadataFile, there: set[str]) -> bool:
    if file.current is None:
        return True
    try:
        needed = readable_files(_static(lakehouse, file), {file.current})
    except (FileNotFoundError, ValidationError, ValueError):
        return False
    return {_within(path, file.location) for path in needed} <= there


def _rows(lakehouse: Lakehouse, file: MetadataFile) -> int:
    try:
        snapshot = _static(lakehouse, file).current_snapshot()
    except (ValidationError, ValueError):
        return 0
    return int(snapshot.summary.get("total-records") or 0) if snapshot and snapshot.summary else 0


def _register(
    lakehouse: Lakehouse,
    identity: Identity | None,
    files: Mapping[str, list[str]],
    chosen: Mapping[str, AdoptedTable],
) -> None:
    carried = _carried(lakehouse, chosen) if identity is None else None
    identity = identity or Identity.new(lakehouse.database, lakehouse.kind)
    newer = [
        name_of(path)
        for name, table in chosen.items()
        for path in files[name]
        if is_metadata(path) and path != table.metadata and version_of(path) >= version_of(table.metadata or "")
    ]
    identity = replace(
        identity,
        lakehouse=carried or identity.lakehouse,
        catalog=lakehouse.kind,
        ledger=_LEDGER in chosen,
        passed_over=tuple(sorted({*identity.passed_over, *newer})),
    )
    # First: whoever is stopped from here on is refused, and adopts once more.
    write_identity(lakehouse.storage, lakehouse.warehouse, identity)
    for name in files:
        _drop_other(lakehouse, name, chosen.get(name))
    for name, table in chosen.items():
        mark(_registered(lakehouse, name, table), identity)


def _carried(lakehouse: Lakehouse, chosen: Mapping[str, AdoptedTable]) -> str | None:
    """The number that the tables carry, where the warehouse has lost its own."""
    for table in chosen.values():
        file = read_metadata(lakehouse.storage, table.metadata) if table.metadata else None
        if file and PROPERTY in file.properties:
            return file.properties[PROPERTY]
    return None


def _drop_other(lakehouse: Lakehouse, name: str, table: AdoptedTable | None) -> None:
    """Have the catalog forget a table that it knows otherwise; its files stay."""
    try:
        known = lakehouse.table(name)
    except OriginError:
        pass
    else:
        if known is None or (table is not None and known.metadata_location == table.metadata):
            return
    try:
        lakehouse.catalog.drop_table((lakehouse.namespace_of(name), name))
    except NoSuchTableError:
        return


def _registered(lakehouse: Lakehouse, name: str, table: AdoptedTable) -> Table:
    if (known := lakehouse.table(name)) is not None:
        return known
    if table.metadata is None:
        return lakehouse.ensure_table(name, CONTRACTS[name])
    return lakehouse.catalog.register_table((lakehouse.namespace_of(name), name), table.metadata)
