"""What is published of a table: a snapshot's content, and whether it is whole and still what a run would make."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import Contract
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.recorded import INPUTS, STAGED_IN
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.storage import Storage

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


def reading_of(table: Table, contract: type[Contract]) -> Reading | None:
    """What is published of a table now, or None where nothing is.

    Raises:
        OriginError: a manifest of the table is gone.
    """
    snapshot = table.current_snapshot()
    if snapshot is None:
        return None
    return Reading(table.name()[-1], snapshot, _content(table, contract, snapshot, _data_files(table, snapshot)))


def made_from(table: Table, inputs: str) -> bool:
    """Whether a table's current snapshot was made from these inputs."""
    snapshot = table.current_snapshot()
    return snapshot is not None and snapshot.summary is not None and snapshot.summary.get(INPUTS) == inputs


def whole_content(table: Table, contract: type[Contract], storage: Storage) -> Content | None:
    """The current content of a table; None where a file is gone or has another size. The price is a listing.

    Raises:
        OriginError: a manifest of the table is gone.
    """
    snapshot = table.current_snapshot()
    if snapshot is None:
        return None
    files = _data_files(table, snapshot)
    content = _content(table, contract, snapshot, files)
    if lost := _lost(content, files, storage):
        _log.warning("%d data files of %s are gone or damaged: it is made again", lost, ".".join(table.name()))
        return None
    return content


def _lost(content: Content, files: Sequence[DataFile], storage: Storage) -> int:
    """How many data files are not there as they were published."""
    if not content.paths:
        return 0
    try:
        there = {entry.path: entry.size for entry in storage.entries(content.folder)}
    except FileNotFoundError:
        there = {}
    return sum(there.get(file.file_path) != file.file_size_in_bytes for file in files)


def _data_files(table: Table, snapshot: Snapshot) -> list[DataFile]:
    try:
        return [task.file for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()]
    except FileNotFoundError:
        raise OriginError(
            f"A manifest of {'.'.join(table.name())} that its current snapshot names is gone. Nothing was changed. "
            f"Bring it back from a backup of {table.location()}/metadata."
        ) from None


def _content(table: Table, contract: type[Contract], snapshot: Snapshot, files: Sequence[DataFile]) -> Content:
    folder = snapshot.summary.get(STAGED_IN, "") if snapshot.summary else ""
    paths = tuple(sorted(file.file_path for file in files))
    return Content(contract, paths, sum(file.record_count for file in files), f"{table.location()}/data/{folder}")
