"""The ledger of exports: who has which copy of which release, so that they can be told when somebody leaves it.

GDPR, Art. 19: each recipient is told of an erasure.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from stedi_dagster.contracts import ReleaseExports
from stedi_dagster.errors import ReleaseError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import Revision
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.wording import has_address

TABLE = ReleaseExports.table()
_LONGEST_RECIPIENT = 200


@dataclass(frozen=True)
class Export:
    """A copy that was handed out.

    Attributes:
        number: random, the copy's own.
        release: the release's name.
        revision: its revision then.
        rows: how many rows the copy has.
        participants: of how many participants.
        recipient: for whom it is.
        digest: SHA-256 of its manifest; None where it was not finished.
        begun_ms: when it was begun (epoch ms).
        destroyed_ms: when its recipient said that no copy is left (epoch ms).
    """

    number: str
    release: str
    revision: int
    rows: int
    participants: int
    recipient: str
    digest: str | None
    begun_ms: int
    destroyed_ms: int | None = None

    @classmethod
    def of(cls, revision: Revision, recipient: str) -> "Export":
        """A new one.

        Args:
            revision: what is copied.
            recipient: for whom: a team or an organisation.

        Raises:
            ReleaseError: the recipient is not told, or told by an address.
        """
        recipient = recipient.strip()
        if (
            not recipient
            or len(recipient) > _LONGEST_RECIPIENT
            or has_address(recipient)
            or not recipient.isprintable()
        ):
            raise ReleaseError(
                "Say for whom the copy is, in at most 200 characters on one line: a team or an organisation, and no "
                "address, such as --for 'gait lab, University of Leiden'."
            )
        now_ms = time.time_ns() // 1_000_000
        number = str(uuid.uuid4())
        return cls(
            number, revision.release, revision.number, revision.rows, revision.participants, recipient, None, now_ms
        )

    def must_be_replaced(self, revision: int) -> bool:
        """Whether somebody has left the release since, and the copy may still be there.

        Args:
            revision: the release's number of revision now.
        """
        return self.destroyed_ms is None and self.revision < revision


class Exports:
    """The exports of one lakehouse. Who writes holds the writer lock."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self._lakehouse = lakehouse

    def all(self) -> list[Export]:
        """All exports, the oldest first."""
        snapshot = self._lakehouse.read(TABLE, ReleaseExports)
        if snapshot is None:
            return []
        batches = snapshot.files.batches(ReleaseExports.names())
        found = [Export(*row.values()) for batch in batches for row in batch.to_pylist()]
        return sorted(found, key=lambda export: (export.begun_ms, export.number))

    def begin(self, export: Export) -> None:
        """Record that a copy is about to be made."""
        self._write([*self.all(), export])

    def finish(self, export: Export, digest: str) -> None:
        """Record that it is made, by the digest of its manifest."""
        self._change(export.number, lambda one: replace(one, digest=digest))

    def undo(self, export: Export) -> None:
        """Record nothing of a copy that failed and of which nothing is left."""
        self._change(export.number, lambda _: None)

    def destroyed(self, number: str) -> Export:
        """Record that no copy of an export is left, as its recipient says.

        Args:
            number: the export's; its first digits are enough where no other begins so.

        Raises:
            ReleaseError: there is no such export, or there are several.
        """
        found = [export for export in self.all() if number and export.number.startswith(number)]
        if len(found) != 1:
            raise ReleaseError(
                f"{'Several exports have numbers that begin' if found else 'No export has a number that begins'} with "
                f"{number!r}: `stedi release list` shows them."
            )
        now_ms = time.time_ns() // 1_000_000
        gone = replace(found[0], destroyed_ms=found[0].destroyed_ms or now_ms)
        self._change(gone.number, lambda _: gone)
        return gone

    def _change(self, number: str, change: Callable[[Export], Export | None]) -> None:
        changed = [change(export) if export.number == number else export for export in self.all()]
        self._write([export for export in changed if export is not None])

    def _write(self, exports: list[Export]) -> None:
        table = self._lakehouse.ensure_table(TABLE, ReleaseExports)
        staged = self._lakehouse.stage(table, ReleaseExports)
        staged.write_rows(
            (
                export.number,
                export.release,
                export.revision,
                export.rows,
                export.participants,
                export.recipient,
                export.digest,
                export.begun_ms,
                export.destroyed_ms,
            )
            for export in exports
        )
        commit = self._lakehouse.prepare(table, staged.files(), SnapshotSummary(inputs=str(uuid.uuid4())))
        self._lakehouse.expire(commit.publish().table)
