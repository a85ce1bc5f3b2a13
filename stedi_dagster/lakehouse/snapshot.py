"""A snapshot: what readers see of a table, and what another table's input is pinned to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot as IcebergSnapshot
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import Contract
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.manifests import data_files, reading_manifests
from stedi_dagster.lakehouse.summary import SnapshotSummary, folder_of, rows_since
from stedi_dagster.storage import Storage


@dataclass(frozen=True)
class Snapshot:
    """A table as readers see it at one moment: whatever is committed later, this is what is read."""

    table: Table
    snapshot_id: int
    files: DataFiles

    @classmethod
    def current(cls, table: Table, contract: type[Contract], storage: Storage) -> "Snapshot | None":
        """What readers see of a table now; None where nothing was ever committed.

        Args:
            table: as it is now.
            contract: its contract.
            storage: where its files are.

        Raises:
            OriginError: a manifest of the table is gone or damaged.
        """
        snapshot = table.current_snapshot()
        return cls._of(table, snapshot, contract, storage) if snapshot else None

    def earlier(self, snapshot_id: int) -> "Snapshot | None":
        """The table with the rows of another snapshot; None where its history has none, or a file of it is gone.

        Args:
            snapshot_id: the first snapshot with those rows.
        """
        if snapshot_id in (self.snapshot_id, self.rows_since):
            return self
        snapshot = next((one for one in self.table.metadata.snapshots if rows_since(one) == snapshot_id), None)
        if snapshot is None:
            return None
        try:
            found = self._of(self.table, snapshot, self.files.contract, self.files.storage)
        except OriginError:
            # Readers of the current one miss nothing.
            return None
        return None if found.files.missing() else found

    @classmethod
    def _of(cls, table: Table, snapshot: IcebergSnapshot, contract: type[Contract], storage: Storage) -> "Snapshot":
        folder = f"{table.location()}/data/{folder_of(snapshot) or ''}"
        files = _as_files(data_files(table, snapshot.snapshot_id), contract, folder, storage)
        return cls(table, snapshot.snapshot_id, files)

    @property
    def name(self) -> str:
        """The table's name, without its database."""
        return self.table.name()[-1]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.files.rows

    @property
    def made_ms(self) -> int:
        """When it was made (epoch ms)."""
        return self._committed.timestamp_ms

    @property
    def rows_since(self) -> int:
        """The first snapshot with these rows: what is made from them need not be made anew for a later one."""
        return self.summary.same_since or self.snapshot_id

    @cached_property
    def summary(self) -> SnapshotSummary:
        """What it records of how it was made.

        Raises:
            StediError: that cannot be read.
        """
        return SnapshotSummary.from_snapshot(self._committed, self.name)

    def frame(self, session: SparkSession) -> DataFrame:
        """The rows, for the engine."""
        return self.files.frame(session)

    @property
    def _committed(self) -> IcebergSnapshot:
        found = self.table.snapshot_by_id(self.snapshot_id)
        assert found is not None  # noqa: S101 - `table` is as it was when this was its current snapshot
        return found


def all_data_files(table: Table, contract: type[Contract], storage: Storage) -> DataFiles:
    """The data files of every snapshot of a table, each once.

    Args:
        table: as it is now.
        contract: its contract.
        storage: where its files are.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    found = {file.file_path: file for one in table.metadata.snapshots for file in data_files(table, one.snapshot_id)}
    return _as_files(found.values(), contract, f"{table.location()}/data/", storage)


def _as_files(found: Iterable[DataFile], contract: type[Contract], folder: str, storage: Storage) -> DataFiles:
    files = list(found)
    sizes = {file.file_path: file.file_size_in_bytes for file in files}
    return DataFiles(contract, sizes, {file.file_path: file.record_count for file in files}, folder, storage)


def manifests_without(table: Table, paths: Collection[str]) -> set[str]:
    """The manifests of a table's current snapshot that name none of some data files: a commit without those keeps them.

    Args:
        table: as it is now.
        paths: of the data files.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    snapshot = table.current_snapshot()
    with reading_manifests(table):
        return {
            manifest.manifest_path
            for manifest in (snapshot.manifests(table.io) if snapshot else ())
            if not any(entry.data_file.file_path in paths for entry in manifest.fetch_manifest_entry(table.io))
        }


def rows_of(table: Table) -> int:
    """How many rows a table has now, as its current snapshot records it; none without one, or where it does not."""
    snapshot = table.current_snapshot()
    recorded = snapshot.summary.get("total-records") if snapshot and snapshot.summary else None
    return int(recorded or 0)
