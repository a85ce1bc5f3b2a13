"""Whether a warehouse is the one that its catalog knows: asked before anything is written or removed.

Whatever cannot be explained is refused. Nothing here removes anything.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from stedi_dagster.contracts import CONTRACTS, Erasures
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.journal import Journal, Note, full_name, metadata_files
from stedi_dagster.lakehouse.metadata import is_metadata, name_of, read_metadata, version_of
from stedi_dagster.lakehouse.origin.identity import PROPERTY, Identity, read_identity, write_identity
from stedi_dagster.lakehouse.origin.nested import refuse_nested
from stedi_dagster.locations import is_s3
from stedi_dagster.storage import Storage

_OTHERWISE = "Nothing was changed. Set STEDI_HOME, STEDI_CATALOG, STEDI_DATABASE and STEDI_WAREHOUSE as they were"
_ADOPT = f"{_OTHERWISE}, or, if these tables are to be this catalog's from now on, run `stedi adopt`."


class Opened(Protocol):
    """What of a lakehouse is looked at: its places, its catalog and its journal."""

    home: Path
    warehouse: str
    kind: str
    database: str
    restricted: str
    storage: Storage
    journal: Journal

    @property
    def catalog(self) -> Catalog:
        """Where the tables' current snapshots are recorded."""

    def table(self, name: str) -> Table | None:
        """A table of the catalog, if it is there."""

    def namespace_of(self, table: str) -> str:
        """The database that a table is in."""


def recognise(lakehouse: Opened) -> Identity:
    """The identity of a lakehouse whose catalog and warehouse belong together.

    A new warehouse is given one; so is one that a release made which gave none.

    Args:
        lakehouse: the caller holds its writer lock.

    Raises:
        OriginError: they do not belong together, or that cannot be determined.
    """
    storage, warehouse = lakehouse.storage, lakehouse.warehouse
    files = listed(lakehouse)
    notes = lakehouse.journal.all_notes() if any(files.values()) else {}
    identity = read_identity(storage, warehouse)
    refuse_other_database(lakehouse, identity)
    passed_over = identity.passed_over if identity else ()
    known = _known(lakehouse, files)
    refuse_unknown(lakehouse, known, files, notes)
    for name, table in known.items():
        _refuse_elsewhere(lakehouse, table)
        counting = [path for path in files[name] if name_of(path) not in passed_over]
        _refuse_older(lakehouse, table, counting, notes.get(full_name(table), []))
    if identity is not None and identity.ledger and Erasures.table() not in known:
        raise OriginError(
            f"The ledger of erasures is lost: the warehouse {warehouse} had one, and neither the catalog nor the "
            f"warehouse has it now, so people who were erased could come back. {_OTHERWISE}, bring both back from a "
            "backup, or see what `stedi adopt` says."
        )
    return _identified(lakehouse, identity, known)


def refuse_other_database(lakehouse: Opened, identity: Identity | None) -> None:
    """Refuse a warehouse whose tables are in another database: its ledger of erasures would not be looked at.

    Raises:
        OriginError: they are.
    """
    if identity is not None and identity.database != lakehouse.database:
        raise OriginError(
            f"The warehouse {lakehouse.warehouse} is that of the database {identity.database}, and STEDI_DATABASE is "
            f"{lakehouse.database}. {_OTHERWISE}."
        )


def listed(lakehouse: Opened) -> dict[str, list[str]]:
    """The files in the folders of the platform's tables, by table."""
    found: dict[str, list[str]] = {name: [] for name in CONTRACTS}
    for space in (lakehouse.database, lakehouse.restricted):
        folder = f"{lakehouse.warehouse}/{space}/"
        for path in lakehouse.storage.list(folder.rstrip("/")):
            name = path[len(folder) :].split("/", maxsplit=1)[0]
            if name in found and lakehouse.namespace_of(name) == space:
                found[name].append(path)
    return found


def _known(lakehouse: Opened, files: Mapping[str, list[str]]) -> dict[str, Table]:
    """The platform's tables that the catalog knows."""
    spaces = (lakehouse.database, lakehouse.restricted)
    names = {name for space in spaces for _, name in lakehouse.catalog.list_tables(space)}
    found = {name: lakehouse.table(name) for name in files if name in names}
    return {name: table for name, table in found.items() if table is not None}


def refuse_unknown(
    lakehouse: Opened,
    known: Container[str],
    files: Mapping[str, list[str]],
    notes: Mapping[str, list[Note]],
) -> None:
    """Refuse a warehouse with tables that the catalog does not know: they would be built over.

    Raises:
        OriginError: there are some.
    """
    unknown = [
        name
        for name, paths in files.items()
        if paths and name not in known and not _being_made(lakehouse, name, paths, notes)
    ]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise OriginError(
            f"The warehouse {lakehouse.warehouse} holds tables that this catalog ({described(lakehouse)}) does not "
            f"know: {unknown[0]}{more}. {_ADOPT}"
        )


def _being_made(lakehouse: Opened, name: str, paths: Iterable[str], notes: Mapping[str, list[Note]]) -> bool:
    """Whether a run of this lakehouse was stopped while it made a table."""
    begun = notes.get(f"{lakehouse.namespace_of(name)}.{name}", [])
    if not any(note.creates for note in begun):
        return False
    for path in paths:
        file = read_metadata(lakehouse.storage, path) if is_metadata(path) else None
        if not is_metadata(path) or (file is not None and not any(note.explains(file, None) for note in begun)):
            return False
    return True


def _refuse_elsewhere(lakehouse: Opened, table: Table) -> None:
    """Refuse a catalog whose tables are in another warehouse."""
    location = table.location()
    if not is_within(location, lakehouse.warehouse):
        raise OriginError(
            f"The catalog ({described(lakehouse)}) has {full_name(table)} in {location}, which is not in the warehouse "
            f"{lakehouse.warehouse}. {_OTHERWISE}."
        )


def is_within(location: str, warehouse: str) -> bool:
    """Whether a location is below a warehouse."""
    if location.startswith(f"{warehouse}/"):
        return True
    return not is_s3(warehouse) and Path(location).resolve().is_relative_to(Path(warehouse).resolve())


def _refuse_older(lakehouse: Opened, table: Table, files: Iterable[str], notes: Iterable[Note]) -> None:
    """Refuse a catalog that is older than its warehouse: it would publish past what it does not know of."""
    current = table.metadata_location
    # By their names, which are random: the same warehouse may be reached by several paths.
    before = set(map(name_of, metadata_files(table)))
    newer = [
        path
        for path in files
        if is_metadata(path)
        and name_of(path) not in before
        and version_of(path) >= version_of(current)
        and not _is_left_over(lakehouse.storage, path, table, notes)
    ]
    if newer:
        raise OriginError(
            f"The warehouse {lakehouse.warehouse} holds a newer {full_name(table)} than this catalog "
            f"({described(lakehouse)}) knows: the catalog is older, or another one has written there. {_ADOPT}"
        )


def _is_left_over(storage: Storage, path: str, table: Table, notes: Iterable[Note]) -> bool:
    """Whether a metadata file that the catalog does not know was written by a commit that was stopped."""
    file = read_metadata(storage, path)
    if file is None:
        # Cut short: written by a run that was stopped, if there was one.
        return any(note.snapshots or note.files for note in notes)
    if any(note.explains(file, table.metadata_location) for note in notes):
        return True
    # One that only removes something, as an expiry does.
    has = {snapshot.snapshot_id for snapshot in table.metadata.snapshots}
    return file.log[-1:] == (table.metadata_location,) and file.snapshots <= has


def _identified(lakehouse: Opened, identity: Identity | None, known: Mapping[str, Table]) -> Identity:
    """The identity, written down where it is missing: in the warehouse, and in each table."""
    marks = {table.properties.get(PROPERTY) for table in known.values()}
    numbers = {number for number in marks if number} | ({identity.lakehouse} if identity else set())
    if len(numbers) > 1:
        raise OriginError(
            f"Not all tables of the catalog ({described(lakehouse)}) are of the lakehouse in "
            f"{lakehouse.warehouse}: their numbers are {', '.join(sorted(numbers))}. {_OTHERWISE}."
        )
    if identity is None:
        refuse_nested(lakehouse.storage, lakehouse.warehouse)
        identity = Identity.new(lakehouse.database, lakehouse.kind)
        identity = replace(identity, lakehouse=next(iter(numbers), identity.lakehouse))
        write_identity(lakehouse.storage, lakehouse.warehouse, identity)
    if Erasures.table() in known and not identity.ledger:
        identity = replace(identity, ledger=True)
        write_identity(lakehouse.storage, lakehouse.warehouse, identity)
    for table in known.values():
        mark(table, identity)
    return identity


def mark(table: Table, identity: Identity) -> None:
    """Record in a table of which lakehouse it is, unless it is recorded."""
    if table.properties.get(PROPERTY) == identity.lakehouse:
        return
    with table.transaction() as transaction:
        transaction.set_properties({PROPERTY: identity.lakehouse})


def described(lakehouse: Opened) -> str:
    """The catalog, for people."""
    return f"sqlite in {lakehouse.home}" if lakehouse.kind == "sqlite" else lakehouse.kind
