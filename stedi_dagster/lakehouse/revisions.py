"""What is recorded of releases: a revision when one is created, and another whenever rows have gone from it.

The rows are in `ml_release`, the revisions in `release_revisions`. Whatever takes rows out of a release, an erasure, a
withdrawal or a run, has the revision recorded; where it was killed before that, the next one that looks does.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import MlRelease, ReleaseRevisions
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.split import PARTS, Part

ROWS, REVISIONS = MlRelease.table(), ReleaseRevisions.table()
CREATED = "created"
_BY = ["release", "part", "participantId"]


@dataclass(frozen=True)
class PartFacts:
    """How much is in one part of a release."""

    rows: int = 0
    participants: int = 0


@dataclass(frozen=True)
class Revision:
    """A release as it was from one moment on: the first revision is as it was created, each later one has less.

    Attributes:
        release: the release's name.
        number: 1, 2, …
        made_ms: when it was recorded (epoch ms).
        reason: why the revision before is no longer; of the first, that it was created.
        rows_gone: how many rows of the revision before are not in it.
        participants_gone: how many participants of the revision before are not in it.
        parts: how much is in each part.
        first_ms: when the first reading was taken (epoch ms); None where nothing is left.
        last_ms: when the last one was.
        origin: of the first, what it was made of, as JSON.
    """

    release: str
    number: int
    made_ms: int
    reason: str
    rows_gone: int
    participants_gone: int
    parts: Mapping[Part, PartFacts]
    first_ms: int | None
    last_ms: int | None
    origin: str | None = field(default=None, repr=False)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(part.rows for part in self.parts.values())

    @property
    def participants(self) -> int:
        """How many participants it has: nobody is in two parts."""
        return sum(part.participants for part in self.parts.values())

    @property
    def name(self) -> str:
        """The release and the revision, as it is cited."""
        return f"{self.release}, revision {self.number}"


@dataclass(frozen=True)
class Content:
    """What a release holds: how much in each part, and from when to when."""

    parts: Mapping[Part, PartFacts]
    first_ms: int | None = None
    last_ms: int | None = None

    def revision(self, release: str, *, reason: str, before: Revision | None, origin: str | None = None) -> Revision:
        """The revision that a release is now.

        Args:
            release: its name.
            reason: why there is this one.
            before: the one before; None for the first.
            origin: of the first.
        """
        now_ms = time.time_ns() // 1_000_000
        made = Revision(release, 1, now_ms, reason, 0, 0, self.parts, self.first_ms, self.last_ms, origin)
        if before is None:
            return made
        return Revision(
            release,
            before.number + 1,
            now_ms,
            reason,
            before.rows - made.rows,
            before.participants - made.participants,
            self.parts,
            self.first_ms,
            self.last_ms,
        )


NOTHING = Content({part: PartFacts() for part in PARTS})


class Revisions:
    """The revisions of all releases of one lakehouse. Who records one holds the writer lock."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self._lakehouse = lakehouse

    def all(self) -> dict[str, list[Revision]]:
        """The revisions by release: releases in the order in which they were created, revisions in theirs."""
        snapshot = self._lakehouse.read(REVISIONS, ReleaseRevisions)
        found: dict[str, list[Revision]] = {}
        if snapshot is not None:
            batches = snapshot.files.batches(ReleaseRevisions.names())
            rows = [row for batch in batches for row in batch.to_pylist()]
            created = {row["release"]: row["recordedAt"] for row in rows if row["revision"] == 1}
            # By their numbers: clocks may go back.
            for row in sorted(rows, key=lambda row: (created.get(row["release"], 0), row["release"], row["revision"])):
                found.setdefault(row["release"], []).append(_revision(row))
        return found

    def last(self) -> list[Revision]:
        """The last revision of each release."""
        return [revisions[-1] for revisions in self.all().values()]

    def record(self, new: Iterable[Revision], *, complete: bool = True) -> None:
        """Record further revisions, of what `ml_release` holds now.

        Args:
            new: the revisions.
            complete: whether every release in it has a revision then.
        """
        rows = self._lakehouse.read(ROWS, MlRelease)
        known = [revision for revisions in self.all().values() for revision in revisions]
        table = self._lakehouse.ensure_table(REVISIONS, ReleaseRevisions)
        staged = self._lakehouse.stage(table, ReleaseRevisions)
        staged.write_rows(_row(revision) for revision in (*known, *new))
        upstream = {ROWS: rows.snapshot_id} if rows and complete else {}
        summary = SnapshotSummary(inputs=str(upstream.get(ROWS)), upstream=upstream)
        self._lakehouse.expire(self._lakehouse.prepare(table, staged.files(), summary).publish().table)

    def tell_of(self, released: Snapshot) -> bool:
        """Whether what is recorded is of this snapshot of `ml_release`: then every row of it is told of."""
        book = self._lakehouse.read(REVISIONS, ReleaseRevisions)
        return book is not None and book.summary.upstream.get(ROWS) == released.snapshot_id

    def record_cuts(self, reason: str) -> list[Revision]:
        """Record a revision of every release that has fewer rows than its last one, and return these.

        Args:
            reason: why the rows have gone.
        """
        released = self._lakehouse.read(ROWS, MlRelease)
        if released is None or self.tell_of(released):
            return []
        content, known = contents(released.files), self.all()
        cut = []
        for name, revisions in known.items():
            now = content.get(name, NOTHING)
            if now.parts != revisions[-1].parts:
                cut.append(now.revision(name, reason=reason, before=revisions[-1]))
        self.record(cut, complete=content.keys() <= known.keys())
        return cut


def contents(files: DataFiles) -> dict[str, Content]:
    """What each release holds, by its name.

    Args:
        files: those of `ml_release`.
    """
    rows: dict[tuple[str, Part], int] = {}
    people: dict[tuple[str, Part], set[str]] = {}
    moments: dict[str, list[int]] = {}
    moment = MlRelease.event_time() or ""
    for batch in files.batches([*_BY, moment]):
        grouped = pa.table(batch).group_by(_BY).aggregate([(moment, "count"), (moment, "min"), (moment, "max")])
        for row in grouped.to_pylist():
            key = row["release"], row["part"]
            rows[key] = rows.get(key, 0) + row[f"{moment}_count"]
            people.setdefault(key, set()).add(row["participantId"])
            moments.setdefault(row["release"], []).extend((row[f"{moment}_min"], row[f"{moment}_max"]))
    return {
        name: Content(
            {part: PartFacts(rows.get((name, part), 0), len(people.get((name, part), ()))) for part in PARTS},
            min(found),
            max(found),
        )
        for name, found in moments.items()
    }


def unrecorded(files: DataFiles, known: Iterable[str]) -> set[str]:
    """The releases of which there are rows and no revision: whoever created them was killed.

    Args:
        files: those of `ml_release`.
        known: the releases that have revisions.
    """
    found = {name for batch in files.batches(["release"]) for name in pc.unique(batch["release"]).to_pylist()}
    return found - set(known)


def _revision(row: Mapping[str, Any]) -> Revision:
    return Revision(
        row["release"],
        row["revision"],
        row["recordedAt"],
        row["reason"],
        row["rowsGone"],
        row["participantsGone"],
        {part: PartFacts(row[f"{part}Rows"], row[f"{part}Participants"]) for part in PARTS},
        row["firstReadingAt"],
        row["lastReadingAt"],
        row["origin"],
    )


def _row(revision: Revision) -> tuple[Any, ...]:
    parts = [number for part in PARTS for number in (revision.parts[part].rows, revision.parts[part].participants)]
    return (
        revision.release,
        revision.number,
        revision.made_ms,
        revision.reason,
        revision.rows_gone,
        revision.participants_gone,
        *parts,
        revision.first_ms,
        revision.last_ms,
        revision.origin,
    )
