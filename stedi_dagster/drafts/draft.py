"""A draft: a table's next snapshot, prepared and checked, and not yet published."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.drafts.made import Made
from stedi_dagster.errors import PublishConflictError
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot


@dataclass(frozen=True)
class Draft:
    """A table's next snapshot with what its checks found and everything else there is to say about it.

    Attributes:
        commit: makes it the current snapshot.
        outcomes: what the checks found.
        rows_in: rows of the table's main input.
        withheld: how many of these it leaves out, by reason.
        upstream: the snapshots that must still be current when it is published, by table.
        quarantine: of a feed: the next snapshot of its quarantine.
        landed_files: of a feed: the next snapshot of what is known of its raw files.
        counted: what else was counted when it was made: the bytes that were read for it, files and bytes of a feed,
            people of `participants`.
        audited_in: the run that found the outcomes, where that is not this one.
        how: how its rows came about, where they are not those that it had.
        why: why all of them were made anew, where they were and it had some.
    """

    commit: Commit
    outcomes: tuple[Outcome, ...]
    rows_in: int
    withheld: Mapping[str, int]
    upstream: Mapping[str, int] = field(default_factory=dict)
    quarantine: Commit | None = None
    landed_files: Commit | None = None
    counted: Mapping[str, int] = field(default_factory=dict)
    audited_in: str | None = None
    how: Made = Made.FULL
    why: str | None = None

    @property
    def made(self) -> Made:
        """How its rows came about."""
        return Made.UNCHANGED if self.commit.unchanged or self.commit.summary.same_since else self.how

    @property
    def blocked(self) -> bool:
        """Whether a check forbids to publish it."""
        return any(outcome.blocks for outcome in self.outcomes)

    @property
    def commits(self) -> tuple[Commit, ...]:
        """What is committed, in this order: whoever is killed in between leaves more people in doubt, not fewer.

        The records come last: where the others are ahead of them, the next run lands everything.
        """
        return tuple(filter(None, (self.quarantine, self.landed_files, self.commit)))

    def publish(self, lakehouse: Lakehouse) -> Snapshot:
        """Publish, unless what it was made from is no longer what is published.

        Raises:
            PublishConflictError: another run published this table, or one it was made from.
        """
        for name, snapshot_id in self.upstream.items():
            table = lakehouse.table(name)
            current = table.current_snapshot() if table else None
            if current is None or current.snapshot_id != snapshot_id:
                raise PublishConflictError(
                    f"Another run published {name} while {self.commit.table.name()[-1]} was made from the "
                    "snapshot before. Nothing of this table is published; run it again."
                )
        lakehouse.holding.confirm()
        *_, published = [commit.publish() for commit in self.commits]
        return published
