"""How long older snapshots stay, and expiring them: their files are really deleted.

PyIceberg expires snapshots in a table's metadata only; which files only they refer to is found here and in `orphans`.
"""

from dataclasses import dataclass

from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType

from stedi_dagster.lakehouse.journal import Journal
from stedi_dagster.lakehouse.orphans import files_of, reachable_files, sweep_noted


@dataclass(frozen=True)
class Removed:
    """How much was removed: snapshots, names of snapshots (tags and branches), files."""

    snapshots: int = 0
    names: int = 0
    files: int = 0


def expirable(table: Table, *, before_ms: int, most: int | None = None) -> list[int]:
    """The snapshots, except the current one, that were made before a moment, or are too many.

    Args:
        table: as it is now.
        before_ms: the moment (epoch ms).
        most: how many there may be. Where there are more, a quarter of them goes at once, the oldest first, so that not
            every run has some to expire.
    """
    current = table.metadata.current_snapshot_id
    snapshots = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)
    many = 0 if most is None or len(snapshots) <= most else len(snapshots) - max(1, most * 3 // 4)
    return [
        snapshot.snapshot_id
        for number, snapshot in enumerate(snapshots)
        if snapshot.snapshot_id != current and (snapshot.timestamp_ms < before_ms or number < many)
    ]


def expire(table: Table, journal: Journal, *, before_ms: int, most: int | None = None) -> Removed:
    """Expire the snapshots that are `expirable`, and delete every file that only they refer to.

    A tag or a branch does not keep a snapshot alive: it would keep people in it who have withdrawn since. The caller
    holds the writer lock.
    """
    snapshots = expirable(table, before_ms=before_ms, most=most)
    if not snapshots:
        return Removed()
    # Before they are expired: afterwards nothing shows that these files were theirs.
    journal.begin_expiry(table, files_of(table, snapshots) - reachable_files(table, without=snapshots))
    names = _forget_names(table, set(snapshots))
    table.maintenance.expire_snapshots().by_ids(snapshots).commit()
    return Removed(len(snapshots), names, sweep_noted(table, journal))


def _forget_names(table: Table, snapshots: set[int]) -> int:
    names = {
        name: ref.snapshot_ref_type
        for name, ref in table.metadata.refs.items()
        if name != MAIN_BRANCH and ref.snapshot_id in snapshots
    }
    if names:
        with table.manage_snapshots() as manage:
            for name, kind in names.items():
                remove = manage.remove_tag if kind == SnapshotRefType.TAG else manage.remove_branch
                remove(name)
    return len(names)
