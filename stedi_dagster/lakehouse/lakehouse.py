"""The catalog and its tables, as the rest of the platform uses them."""

import hashlib
import json
import logging
import math
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError, ValidationError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.typedef import Identifier
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import TABLES, Contract
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.catalog import open_catalog
from stedi_dagster.lakehouse.history import Removed, expire
from stedi_dagster.lakehouse.journal import Journal, full_name
from stedi_dagster.lakehouse.lock import writer_lock
from stedi_dagster.lakehouse.origin.identity import PROPERTY, Identity, read_identity, write_identity
from stedi_dagster.lakehouse.origin.recognise import listed, recognise, refuse_unknown
from stedi_dagster.lakehouse.orphans import sweep_noted
from stedi_dagster.lakehouse.publish import INPUTS, Publication, prepare
from stedi_dagster.lakehouse.schema import iceberg_schema, table_properties
from stedi_dagster.lakehouse.staging import Content, Staging
from stedi_dagster.locations import is_s3
from stedi_dagster.settings import DEFAULT_RETENTION_DAYS, Settings
from stedi_dagster.storage import storage_for

# What the platform records with a snapshot is under keys that begin so.
_RECORDED = "stedi."
_DAY_MS = 24 * 60 * 60 * 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """A published snapshot, pinned: whatever is published later, this is what is read."""

    name: str
    snapshot: Snapshot
    content: Content

    @property
    def snapshot_id(self) -> int:
        """The snapshot's identifier."""
        return self.snapshot.snapshot_id

    def frame(self, session: SparkSession) -> DataFrame:
        """The rows."""
        return self.content.frame(session)


class Lakehouse:
    """The tables of one catalog and one warehouse."""

    def __init__(
        self,
        home: Path,
        warehouse: str,
        *,
        catalog: str = "sqlite",
        database: str = "stedi",
        retention_days: float = DEFAULT_RETENTION_DAYS,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            home: STEDI_HOME, the folder of the SQLite catalog and of the local lock.
            warehouse: folder or s3:// URL of the tables' files.
            catalog: `sqlite` or `glue`.
            database: the catalog's database of the eight tables.
            retention_days: how long a snapshot stays that is no longer current.
        """
        self.storage = storage_for(warehouse)
        self.database = database
        self.restricted = f"{database}_restricted"
        self.home = home
        self.warehouse = warehouse
        self.journal = Journal(self.storage, warehouse)
        self.kind = catalog
        self._retention_ms = round(retention_days * _DAY_MS)
        self._confirm: Callable[[], None] = lambda: None
        self._identity: Identity | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Lakehouse":
        """The lakehouse that the settings name."""
        return cls(
            settings.home,
            settings.warehouse_location,
            catalog=settings.catalog,
            database=settings.database,
            retention_days=settings.retention,
        )

    @cached_property
    def catalog(self) -> Catalog:
        """PyIceberg's catalog, opened when first needed; its databases are made where they are missing."""
        return open_catalog(self.kind, self.home, self.warehouse, (self.database, self.restricted))

    @contextmanager
    def writing(self, holder: str, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the lakehouse, once it is sure that its catalog and its warehouse belong together.

        Args:
            holder: see `held`, like the others.
            timeout: seconds.
            waiting: told who holds it.

        Raises:
            BusyError: somebody else held it for all of that time.
            OriginError: the tables in the warehouse are not those that the catalog knows.
        """
        with self.held(holder, timeout=timeout, waiting=waiting):
            self.recognise()
            yield

    @contextmanager
    def held(self, holder: str, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the lakehouse: against this machine's processes, and on S3 against other machines' too.

        Args:
            holder: who holds it, for whoever waits.
            timeout: seconds to wait for each of the two.
            waiting: told once, who holds it, if it is not free.

        Raises:
            BusyError: somebody else held it for all of that time.
        """
        with ExitStack() as held:
            held.enter_context(writer_lock(self.home, holder, timeout=timeout, waiting=waiting))
            if is_s3(self.warehouse):
                from stedi_dagster.lakehouse.s3_lock import S3Lock

                lock = S3Lock(self.warehouse, f"{holder} on {socket.gethostname()}")
                held.enter_context(lock.held(timeout=timeout, waiting=waiting))
                held.enter_context(self._confirming(lock.confirm))
            yield

    def recognise(self) -> None:
        """Make sure that catalog and warehouse belong together; a new warehouse is given an identity.

        The caller holds the writer lock.

        Raises:
            OriginError: they do not, or it cannot be told.
        """
        self._identity = recognise(self)

    def refuse_lost_catalog(self, *, exists: bool) -> None:
        """Refuse, for readers, a warehouse that holds tables where the catalog is lost or knows of none.

        Args:
            exists: whether there is a catalog to be opened; none is made.

        Raises:
            OriginError: the warehouse holds some.
        """
        if exists and any(self.catalog.list_tables(space) for space in (self.database, self.restricted)):
            return
        refuse_unknown(self, known=(), files=listed(self), notes=self.journal.all_notes())

    @property
    def identity(self) -> Identity:
        """Which lakehouse this is."""
        if self._identity is None:
            self._identity = read_identity(self.storage, self.warehouse)
        if self._identity is None:
            self._identity = Identity.new(self.database, self.kind)
            write_identity(self.storage, self.warehouse, self._identity)
        return self._identity

    @contextmanager
    def _confirming(self, confirm: Callable[[], None]) -> Iterator[None]:
        self._confirm, before = confirm, self._confirm
        try:
            yield
        finally:
            self._confirm = before

    def confirm_writing(self) -> None:
        """Make sure that the lakehouse is still ours to write.

        Raises:
            PublishConflictError: another machine took it over.
        """
        self._confirm()

    def table(self, name: str) -> Table | None:
        """A table as it is now, or None where it was never published.

        Raises:
            OriginError: its metadata file is gone or damaged.
        """
        return self._load((self.namespace_of(name), name))

    def _load(self, identifier: Identifier) -> Table | None:
        try:
            return self.catalog.load_table(identifier)
        except NoSuchTableError:
            return None
        # PyIceberg's own is no ValueError, that of what it reads JSON with is one.
        except (FileNotFoundError, ValidationError, ValueError) as error:
            raise OriginError(
                f"The metadata file of {'.'.join(identifier)} that the catalog names is "
                f"{'gone' if isinstance(error, FileNotFoundError) else 'damaged'}. Nothing was changed. Bring it back "
                f"from a backup of {self.warehouse}, or run `stedi adopt`, which takes the newest that can be read."
            ) from None

    def ensure_table(self, name: str, contract: type[Contract]) -> Table:
        """A table as it is now; made, without a snapshot, where it is missing."""
        # PyIceberg writes a metadata file for the new table before it looks whether there is one.
        table = self.table(name)
        if table is not None:
            return table
        namespace = self.namespace_of(name)
        properties = table_properties(contract) | {PROPERTY: self.identity.lakehouse}
        self.journal.begin_table(f"{namespace}.{name}")
        made = self.catalog.create_table_if_not_exists(
            (namespace, name),
            iceberg_schema(contract),
            location=self.location_of(name),
            properties=properties,
        )
        self.sweep(made)
        return made

    def location_of(self, name: str) -> str:
        """Where the files of a table are, by its name."""
        return f"{self.warehouse}/{self.namespace_of(name)}/{name}"

    def read(self, name: str, contract: type[Contract]) -> Reading | None:
        """What is published now, or None where nothing is."""
        table = self.table(name)
        snapshot = table.current_snapshot() if table else None
        if table is None or snapshot is None:
            return None
        return Reading(name, snapshot, _content(table, contract, snapshot, _files(table, snapshot)))

    def stage(self, table: Table, contract: type[Contract]) -> Staging:
        """A fresh folder for a table's new content; what killed runs left beside it is removed.

        The caller holds the writer lock.
        """
        self._sweep(table)
        return self.stage_more(table, contract)

    def stage_more(self, table: Table, contract: type[Contract]) -> Staging:
        """A fresh folder beside what this run has staged for the table before."""
        staging = Staging(contract, table.location(), self.storage)
        self.journal.begin_folder(full_name(table), staging.folder)
        return staging

    def discard(self, publication: Publication) -> None:
        """Remove the files of a publication that is not to be; the caller holds the writer lock."""
        self.sweep(publication.table.refresh())

    def sweep(self, table: Table) -> int:
        """Remove what was staged for a table and is not in use; return the number of files.

        The caller holds the writer lock.
        """
        return sweep_noted(table, self.journal)

    def unchanged(self, table: Table, contract: type[Contract], inputs: str) -> Publication | None:
        """The table's current content, if it was made from these inputs; what killed runs left beside it is removed.

        Content of which a file is gone, or has another size, is none: it is to be made again. The price is a listing.
        The caller holds the writer lock.

        Raises:
            OriginError: a manifest of the table is gone.
        """
        snapshot = table.current_snapshot()
        if snapshot is None or snapshot.summary is None or snapshot.summary.get(INPUTS) != inputs:
            return None
        self._sweep(table)
        files = _files(table, snapshot)
        content = _content(table, contract, snapshot, files)
        if lost := self._lost(content, files):
            _log.warning("%d data files of %s are gone or damaged: it is made again", lost, ".".join(table.name()))
            return None
        return Publication(table, content, None)

    def _lost(self, content: Content, files: Sequence[DataFile]) -> int:
        """How many data files are not there as they were published."""
        if not content.paths:
            return 0
        try:
            there = {entry.path: entry.size for entry in self.storage.entries(content.folder)}
        except FileNotFoundError:
            there = {}
        return sum(there.get(file.file_path) != file.file_size_in_bytes for file in files)

    def prepare(self, table: Table, content: Content, inputs: str, properties: Mapping[str, Any]) -> Publication:
        """See `publish.prepare`; `inputs` is what `unchanged` compares."""
        return prepare(table, content, {INPUTS: inputs, **_texts(properties)}, self.journal)

    def prepare_again(self, table: Table, content: Content, inputs: str, properties: Mapping[str, Any]) -> Publication:
        """See `prepare`; everything else that was recorded with the current snapshot is recorded again."""
        snapshot = table.current_snapshot()
        recorded = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
        again = {key: recorded[key] for key in recorded if key.startswith(_RECORDED)}
        return prepare(table, content, again | _texts(properties) | {INPUTS: inputs}, self.journal)

    def expire(self, table: Table) -> Removed:
        """Remove what is older than the retention from a table's history, and what a commit has left to do.

        The caller holds the writer lock.
        """
        self.sweep(table)
        removed = expire(table, self.journal, before_ms=self.retained_from_ms())
        if removed.snapshots:
            _log.info("Expired %d snapshots of %s, and their files", removed.snapshots, table.name()[-1])
        return removed

    def retained_from_ms(self) -> int:
        """The moment (epoch ms) before which no snapshot but a current one may have been made."""
        return time.time_ns() // 1_000_000 - self._retention_ms

    def own_tables(self) -> list[Table]:
        """The tables that the platform made: others in the databases are somebody else's."""
        return [table for table in self.tables() if table.properties.get(PROPERTY) == self.identity.lakehouse]

    def tables(self) -> list[Table]:
        """All tables that there are, by name, the restricted ones last."""
        names = [name for space in (self.database, self.restricted) for name in sorted(self.catalog.list_tables(space))]
        return [table for table in map(self._load, names) if table is not None]

    def namespace_of(self, table: str) -> str:
        """The database of a table, by its name."""
        return self.database if table in TABLES else self.restricted

    def _sweep(self, table: Table) -> None:
        if removed := self.sweep(table):
            _log.info("Removed %d files that an interrupted run left in %s", removed, table.location())


def fingerprint(parts: Mapping[str, Any]) -> str:
    """A digest of everything a table's content depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def summary(snapshot: Snapshot, key: str, default: Any = None) -> Any:
    """What `Lakehouse.prepare` recorded under a key."""
    text = snapshot.summary.get(f"{_RECORDED}{key}") if snapshot.summary else None
    return default if text is None else json.loads(text)


def newer_inputs(table: str, current: Mapping[str, Snapshot], *, until: float = math.inf) -> list[str]:
    """The tables that a table was made from, and that have been published anew since.

    Args:
        table: its name.
        current: the current snapshots by table.
        until: what was published later than this (epoch ms) does not count.
    """
    made_from: dict[str, int] = summary(current[table], "upstream", {})
    return [
        name
        for name, snapshot_id in made_from.items()
        if name in current and current[name].snapshot_id != snapshot_id and current[name].timestamp_ms <= until
    ]


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {f"{_RECORDED}{key}": json.dumps(value) for key, value in properties.items()}


def _files(table: Table, snapshot: Snapshot) -> list[DataFile]:
    try:
        return [task.file for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()]
    except FileNotFoundError:
        raise OriginError(
            f"A manifest of {'.'.join(table.name())} that its current snapshot names is gone. Nothing was changed. "
            f"Bring it back from a backup of {table.location()}/metadata."
        ) from None


def _content(table: Table, contract: type[Contract], snapshot: Snapshot, files: Sequence[DataFile]) -> Content:
    folder = snapshot.summary.get("stedi.staged-in", "") if snapshot.summary else ""
    paths = tuple(sorted(file.file_path for file in files))
    return Content(contract, paths, sum(file.record_count for file in files), f"{table.location()}/data/{folder}")
