"""One feed that is landed run after run, and the same landing zone landed at once: what the second holds is right."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.feed_checks import FeedLimits
from stedi_dagster.drafts.landing import draft_landing
from stedi_dagster.drafts.run import Run
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import list_files
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.landing.zone import NOW
from stedi_dagster_tests.scenario import Scenario

LIMITS = FeedLimits(max_bad_share=1.0, max_shrink=1.0, volume_accepted=True)
# What a summary says of how it came about, and not of what is there.
HOW = {"batches", "quarantine"}


class Feeding:
    """One feed, landed run after run into one lakehouse."""

    def __init__(self, folder: Path, feed: Feed, session: SparkSession) -> None:
        self.scenario = Scenario(folder)
        self.feed = feed
        self.lakehouse = Lakehouse(folder / "home", str(folder / "warehouse"))
        self.runs = 0
        self._session = session

    def draft(self, *, now_ms: int = NOW, code: str = "code", full: bool = False) -> Draft:
        """Draft; nothing is published."""
        self.runs += 1
        refreshed = frozenset({self.feed.contract.table()} if full else ())
        run = Run(
            f"run {self.runs}",
            now_ms,
            Policy(),
            lambda _contract: code,
            self.lakehouse,
            lambda: self._session,
            max_doubt=1.0,
            full_refresh=refreshed,
        )
        return draft_landing(run, self.feed, list_files(str(self.scenario.landing), self.feed), LIMITS)

    def run(self, **more: Any) -> Draft:
        """Draft and publish, as a run does."""
        with self.lakehouse.writing("a test", timeout=0, waiting=print):
            draft = self.draft(**more)
            assert not draft.blocked, draft.outcomes
            draft.publish(self.lakehouse)
            for commit in draft.commits:
                self.lakehouse.expire(commit.table)
            return draft

    def holds(self) -> dict[str, Any]:
        """Everything that is published of the feed, but for how it came about."""
        records = self.lakehouse.read(self.feed.contract.table(), self.feed.contract)
        assert records is not None
        assert records.summary.landed is not None
        told = records.summary.landed.model_dump(exclude=HOW)
        files = self.rows(self.feed.landed_files)
        return {
            "records": Counter(self.rows(self.feed.contract.table())),
            "quarantine": Counter(self.rows(self.feed.quarantine)),
            "files": {row[0]: (row[1], row[6]) for row in files},
            "told": told,
        }

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        found = self.lakehouse.table(table)
        assert found is not None
        return [tuple(row.values()) for row in found.scan().to_arrow().to_pylist()]

    def batches(self) -> dict[str, str]:
        """Each raw file's batch."""
        return {row[0]: row[4] for row in self.rows(self.feed.landed_files)}

    def snapshots(self) -> list[int | None]:
        names = (self.feed.contract.table(), self.feed.quarantine, self.feed.landed_files)
        tables = [self.lakehouse.table(name) for name in names]
        return [table.metadata.current_snapshot_id if table else None for table in tables]

    def path(self, name: str) -> Path:
        return self.scenario.landing / self.feed.folder / name


def in_full(feeding: Feeding, **more: Any) -> dict[str, Any]:
    """What landing everything in a lakehouse of its own makes of the same landing zone."""
    other = Feeding.__new__(Feeding)
    other.__dict__.update(feeding.__dict__)
    folder = feeding.scenario.folder / f"in full {feeding.runs}"
    other.lakehouse = Lakehouse(folder / "home", str(folder / "warehouse"))
    other.run(**more)
    return other.holds()


def touch(path: Path) -> None:
    """Give a file another time."""
    os.utime(path, ns=(1, 1))
