"""What the landing tests share: one feed's files, landed by an engine or read by our own reader."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

from stedi_dagster.contracts import Quarantine
from stedi_dagster.contracts.base import latest_ms
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import Listing, RawFile, list_files
from stedi_dagster.landing.land import Lander
from stedi_dagster.landing.records import RecordReader
from stedi_dagster.storage.local import LocalStorage
from stedi_dagster_tests.scenario import T0, customer, reading, step

NOW = T0 + 400 * 24 * 60 * 60 * 1000
LATEST_MS = latest_ms(NOW)
CUSTOMER, ACCELEROMETER, STEP_TRAINER = FEEDS.values()
# A well-formed record of each feed.
MAKE: dict[Feed, Callable[..., dict[str, Any]]] = {CUSTOMER: customer, ACCELEROMETER: reading, STEP_TRAINER: step}

# The same examples every time. Fixtures that are not made anew for each example are sessions and folders, which do
# not mind.
examples = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example],
)


def documents(content: bytes) -> list[Document]:
    """Everything in a file."""
    return list(read_documents(io.BytesIO(content)))


def values(content: bytes) -> list[Any]:
    """The objects in a file that holds nothing else."""
    found = documents(content)
    assert [document for document in found if document.reason] == []
    return [document.value for document in found]


def raw_file(path: Path) -> RawFile:
    """A file as a listing would have it."""
    return RawFile(path.name, str(path), path.stat().st_size, "1")


def read_record(feed: Feed, record: Mapping[str, Any]) -> Any:
    """The row by column, or the reason."""
    row, reason = RecordReader(feed.contract, now_ms=NOW).read(record)
    assert (row is None) != (reason is None)
    return reason if row is None else dict(zip(feed.contract.names(), row, strict=True))


def read_ourselves(feed: Feed, paths: Iterable[Path]) -> tuple[Counter[str], int]:
    """The rows of files as our own reader reads them, and how many records it refuses."""
    reader = RecordReader(feed.contract, now_ms=NOW)
    rows: Counter[str] = Counter()
    bad = 0
    for path in paths:
        for document in documents(path.read_bytes()):
            row = None if document.reason else reader.read(document.value)[0]
            if row is None:
                bad += 1
            else:
                rows[repr(row)] += 1
    return rows, bad


@dataclass(frozen=True)
class Outcome:
    """What landing did, and what is in the staged files."""

    landed: Lander
    rows: list[tuple[Any, ...]]
    quarantine: list[tuple[Any, ...]]

    @property
    def counted(self) -> Counter[str]:
        """The rows as a multiset that tells 0.0 from -0.0."""
        return Counter(map(repr, self.rows))

    @property
    def raw(self) -> list[str]:
        """The quarantined texts."""
        return [row[4] for row in self.quarantine]


def land(session: SparkSession, feed: Feed, landing: Path, folder: Path, *, listing: Listing | None = None) -> Outcome:
    """Land a feed into staging folders below `folder`."""
    storage = LocalStorage()
    records = StagedTable(feed.contract, str(folder / "records"), storage)
    quarantine = StagedTable(Quarantine, str(folder / "quarantine"), storage)
    listing = listing or list_files(str(landing), feed)
    landed = Lander(feed, storage, now_ms=NOW)
    landed.land(session, listing, records, quarantine)
    return Outcome(landed, _staged(records), _staged(quarantine))


def _staged(staged: StagedTable) -> list[tuple[Any, ...]]:
    names: Sequence[str] = staged.contract.names()
    tables = [pq.read_table(path, partitioning=None) for path in staged.files().paths]
    return [tuple(row[name] for name in names) for table in tables for row in table.to_pylist()]
