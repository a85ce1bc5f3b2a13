"""What is published of a table: a snapshot's content, and whether it is whole and still what a run would make."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyiceberg.exceptions import ResolveError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import Contract
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.journal import full_name
from stedi_dagster.lakehouse.recorded import INPUTS, STAGED_IN
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.storage import Storage


@dataclass(frozen=True)
class Reading:
    """A published snapshot, pinned: whatever is published later, this is what is read."""

    name: str
    snapshot: Snapshot
    content: Content
    files: tuple[DataFile, ...] = field(repr=False)

    @property
    def snapshot_id(self) -> int:
        """The snapshot's identifier."""
        return self.snapshot.snapshot_id

    def frame(self, session: SparkSession) -> DataFrame:
        """The rows."""
        return self.content.frame(session)

    def lost(self, storage: Storage) -> int:
        """How many data files are gone, or have another size than when they were published, by a listing."""
        if not self.files:
            return 0
        try:
            there = {entry.path: entry.size for entry in storage.entries(self.content.folder)}
        except FileNotFoundError:
            there = {}
        return sum(there.get(file.file_path) != file.file_size_in_bytes for file in self.files)


def reading_of(table: Table, contract: type[Contract]) -> Reading | None:
    """What is published of a table now, or None where nothing is.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    snapshot = table.current_snapshot()
    if snapshot is None:
        return None
    files = data_files(table)
    folder = snapshot.summary.get(STAGED_IN, "") if snapshot.summary else ""
    paths = tuple(sorted(file.file_path for file in files))
    rows = sum(file.record_count for file in files)
    content = Content(contract, paths, rows, f"{table.location()}/data/{folder}")
    return Reading(table.name()[-1], snapshot, content, files)


def made_from(table: Table, inputs: str) -> bool:
    """Whether a table's current snapshot was made from these inputs."""
    snapshot = table.current_snapshot()
    return snapshot is not None and snapshot.summary is not None and snapshot.summary.get(INPUTS) == inputs


def data_files(table: Table) -> tuple[DataFile, ...]:
    """The data files of a table's current snapshot.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    with reading_manifests(table):
        return tuple(task.file for task in table.scan().plan_files())


@contextmanager
def reading_manifests(table: Table) -> Iterator[None]:
    """Say of a manifest that cannot be read what it is, and what is to be done.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    try:
        yield
    except FileNotFoundError:
        found = "gone"
    # PyIceberg promises nothing of a damaged manifest: each of these was seen of one with a single bit flipped.
    except (ValueError, LookupError, TypeError, EOFError, SystemError, zlib.error, ResolveError):
        found = "damaged"
    else:
        return
    raise OriginError(
        f"A manifest of {full_name(table)} that its current snapshot names is {found}. Nothing was changed. "
        f"Bring it back from a backup of {table.location()}/metadata."
    )
