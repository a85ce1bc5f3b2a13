"""The catalog and its tables, as the rest of the platform uses them."""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from stedi_dagster.contracts import PUBLISHED, Contract
from stedi_dagster.lakehouse.catalog import load_table, open_catalog
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.history import Removed, expire
from stedi_dagster.lakehouse.holding import Holding
from stedi_dagster.lakehouse.journal import Journal, full_name
from stedi_dagster.lakehouse.origin.identity import PROPERTY, Identity, read_identity, write_identity
from stedi_dagster.lakehouse.origin.recognise import listed, recognise, refuse_unknown
from stedi_dagster.lakehouse.orphans import sweep_noted
from stedi_dagster.lakehouse.schema import iceberg_schema, table_properties
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.lakehouse.summary import SnapshotSummary, inputs_of
from stedi_dagster.settings import DEFAULT_MAX_SNAPSHOTS, DEFAULT_RETENTION_DAYS, Settings
from stedi_dagster.storage import storage_for

_DAY_MS = 24 * 60 * 60 * 1000
_log = logging.getLogger(__name__)


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
        max_snapshots: int = DEFAULT_MAX_SNAPSHOTS,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            home: STEDI_HOME, the folder of the SQLite catalog and of the local lock.
            warehouse: folder or s3:// URL of the tables' files.
            catalog: `sqlite` or `glue`.
            database: the catalog's database of the tables that are published.
            retention_days: how long a snapshot stays that is no longer current.
            max_snapshots: how many of a table stay at most.
        """
        self.storage = storage_for(warehouse)
        self.database = database
        self.restricted = f"{database}_restricted"
        self.home = home
        self.warehouse = warehouse
        self.journal = Journal(self.storage, warehouse)
        self.kind = catalog
        self._max_snapshots = max_snapshots
        self._retention_ms = round(retention_days * _DAY_MS)
        self.holding = Holding(home, warehouse)
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
            max_snapshots=settings.max_snapshots,
        )

    @cached_property
    def catalog(self) -> Catalog:
        """PyIceberg's catalog, opened when first needed; its databases are made where they are missing."""
        return open_catalog(self.kind, self.home, self.warehouse, (self.database, self.restricted))

    @contextmanager
    def writing(self, holder: str, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the lakehouse, once it is sure that its catalog and its warehouse belong together.

        Args:
            holder: see `Holding.held`, like the others.
            timeout: seconds.
            waiting: called with who holds it.

        Raises:
            BusyError: somebody else held it for all of that time.
            OriginError: the tables in the warehouse are not those that the catalog knows.
        """
        with self.holding.held(holder, timeout=timeout, waiting=waiting):
            self.recognise()
            yield

    def recognise(self) -> None:
        """Make sure that catalog and warehouse belong together; a new warehouse is given an identity.

        The caller holds the writer lock.

        Raises:
            OriginError: they do not, or it cannot be determined.
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

    def table(self, name: str) -> Table | None:
        """A table as it is now, or None where it was never published.

        Raises:
            OriginError: its metadata file is gone or damaged.
        """
        return load_table(self.catalog, (self.namespace_of(name), name), self.warehouse)

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

    def read(self, name: str, contract: type[Contract]) -> Snapshot | None:
        """What readers see of a table now; None where nothing was ever published."""
        table = self.table(name)
        return Snapshot.current(table, contract, self.storage) if table else None

    def stage(self, table: Table, contract: type[Contract]) -> StagedTable:
        """A fresh folder for a table's next rows; what killed runs left beside it is deleted.

        The caller holds the writer lock.
        """
        self._sweep(table)
        return self.stage_beside(table, contract)

    def stage_beside(self, table: Table, contract: type[Contract]) -> StagedTable:
        """A fresh folder beside what this run has staged for the table before."""
        staged = StagedTable(contract, table.location(), self.storage)
        self.journal.begin_folder(full_name(table), staged.folder)
        return staged

    def discard(self, commit: Commit) -> None:
        """Delete the files of a commit that is not to be; the caller holds the writer lock."""
        self.sweep(commit.table.refresh())

    def sweep(self, table: Table) -> int:
        """Remove what was staged for a table and is not in use; return the number of files.

        The caller holds the writer lock.
        """
        return sweep_noted(table, self.journal)

    def unchanged(self, table: Table, contract: type[Contract], inputs: str) -> Commit | None:
        """The table's current snapshot, if it was made from these inputs; what killed runs left beside it is deleted.

        One of which a file is gone, or has another size, does not count: it is to be made again. The price is a
        listing. The caller holds the writer lock.

        Raises:
            OriginError: a manifest of the table is gone.
            StediError: what the snapshot records cannot be read.
        """
        if inputs_of(table.current_snapshot()) != inputs:
            return None
        self._sweep(table)
        snapshot = Snapshot.current(table, contract, self.storage)
        if snapshot is None:
            return None
        if missing := snapshot.files.missing():
            _log.warning("%d data files of %s are gone or damaged: it is made again", missing, full_name(table))
            return None
        return self.keep(table, snapshot)

    def prepare(self, table: Table, files: DataFiles, summary: SnapshotSummary) -> Commit:
        """Prepare to replace all rows of a table; see `Commit`."""
        return Commit(table, files, summary, self.journal)

    def amend(
        self,
        table: Table,
        files: DataFiles,
        summary: SnapshotSummary,
        *,
        stays: DataFiles,
        gone: Collection[str] = (),
    ) -> Commit:
        """Prepare to add rows to a table, and to take some of its files out of it; see `Commit`.

        Args:
            table: as it is now.
            files: staged; what is to be added.
            summary: what to record.
            stays: the files of its current snapshot that stay.
            gone: the paths of all others that it has.
        """
        return Commit(table, files.beside(stays), summary, self.journal, kept=stays.paths, gone=gone)

    def keep(self, table: Table, snapshot: Snapshot) -> Commit:
        """Prepare to leave a table as it is; see `Commit`.

        Args:
            table: as it is now.
            snapshot: its current one.
        """
        return Commit(table, snapshot.files, snapshot.summary, self.journal, unchanged=True)

    def expire(self, table: Table) -> Removed:
        """Remove what is too old or too much from a table's history, and what a commit has left to do.

        The caller holds the writer lock.
        """
        self.sweep(table)
        removed = expire(table, self.journal, before_ms=self.retained_from_ms(), most=self._max_snapshots)
        if removed.snapshots:
            _log.info("Expired %d snapshots of %s, and their files", removed.snapshots, table.name()[-1])
        return removed

    def retained_from_ms(self) -> int:
        """The moment (epoch ms) before which no snapshot but a current one may have been made."""
        return time.time_ns() // 1_000_000 - self._retention_ms

    def own_tables(self) -> list[Table]:
        """The tables that the platform made: others in the databases are somebody else's."""
        return [table for table in self.tables() if table.properties.get(PROPERTY) == self.identity.lakehouse]

    def tables(self, wanted: Callable[[str], bool] | None = None) -> list[Table]:
        """All tables that there are, by name, the restricted ones last.

        Args:
            wanted: says of a table's name whether it is to be read; by default all are.
        """
        names = [name for space in (self.database, self.restricted) for name in sorted(self.catalog.list_tables(space))]
        asked = [name for name in names if wanted is None or wanted(name[-1])]
        found = (load_table(self.catalog, name, self.warehouse) for name in asked)
        return [table for table in found if table is not None]

    def namespace_of(self, table: str) -> str:
        """The database of a table, by its name."""
        return self.database if table in PUBLISHED else self.restricted

    def _sweep(self, table: Table) -> None:
        if removed := self.sweep(table):
            _log.info("Removed %d files that an interrupted run left in %s", removed, table.location())
