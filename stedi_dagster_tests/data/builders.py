"""Small builders: readings of machine_learning_curated, published without an engine."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pyiceberg.table import Table

from stedi_dagster.contracts import CONTRACTS, MachineLearningCurated
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.lakehouse.travel import committed_at
from stedi_dagster_tests.scenario import T0

NAME = "machine_learning_curated"
ANN, BOB = "a0000000-0000-0000-0000-000000000000", "b0000000-0000-0000-0000-000000000000"


def measured(*xs: float, who: str = ANN, at: int = T0) -> list[tuple[Any, ...]]:
    """Rows of machine_learning_curated that differ by x, a millisecond after each other."""
    return [(who, at + number, 218, x, 1.0, -1.0) for number, x in enumerate(xs)]


def table_of(lake: Lakehouse, name: str = NAME) -> Table:
    """A table, as it is now."""
    return lake.ensure_table(name, CONTRACTS[name])


def publish(lake: Lakehouse, rows: Sequence[tuple[Any, ...]], name: str = NAME) -> Snapshot:
    """Publish rows instead of those that are there."""
    table = table_of(lake, name)
    staged = lake.stage(table, CONTRACTS[name])
    staged.write_rows(rows)
    return lake.prepare(table, staged.files(), SnapshotSummary(inputs="inputs")).publish()


def add(lake: Lakehouse, rows: Sequence[tuple[Any, ...]]) -> Snapshot:
    """Publish rows in a file of their own, beside those that are there."""
    table = table_of(lake)
    current = lake.read(NAME, MachineLearningCurated)
    assert current is not None
    staged = lake.stage(table, MachineLearningCurated)
    staged.write_rows(rows)
    summary = SnapshotSummary(inputs="inputs")
    return lake.amend(table, staged.files(), summary, stays=current.files).publish()


def moment_of(lake: Lakehouse, snapshot: Snapshot) -> datetime:
    """When a snapshot was made."""
    found = table_of(lake, snapshot.name).snapshot_by_id(snapshot.snapshot_id)
    assert found is not None
    return committed_at(found)


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder, with its size and when it was written."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(folder.rglob("*"))}
