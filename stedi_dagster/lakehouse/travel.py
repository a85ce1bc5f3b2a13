"""Which snapshot of a table readers saw at a moment, as far as its history reaches. Knows no contract and no engine."""

from datetime import UTC, date, datetime

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot, ancestors_of

from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.summary import folder_of


def moment_of(at: date | str) -> datetime:
    """A moment that somebody named.

    Args:
        at: with a time zone; or a date, or a text in ISO 8601, which is in UTC where it names no zone. A date is its
            first moment.

    Raises:
        StediError: it is no moment, it has no time zone, or it has not come yet.
    """
    if not isinstance(at, datetime):
        try:
            moment = datetime.fromisoformat(str(at))
        except ValueError:
            raise StediError(
                f"{at!r} is no moment: give one like 2026-01-31 or 2026-01-31T12:00:00+01:00 (ISO 8601; without a "
                "zone it is in UTC)."
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    elif at.tzinfo is None:
        raise StediError(f"{at.isoformat()} has no time zone: give one, such as tzinfo=datetime.UTC.")
    else:
        moment = at
    if moment > datetime.now(UTC):
        raise StediError(f"{_written(moment)} has not come yet: nobody knows what will be published then.")
    return moment


def snapshot_at(table: Table, moment: datetime) -> Snapshot:
    """The snapshot that was current at a moment, by the clock of whoever published it.

    Args:
        table: one that was published.
        moment: with a time zone.

    Raises:
        StediError: the table was not published yet, or its history does not reach back to that moment.
    """
    seen = _seen(table)
    for snapshot in seen:
        if committed_at(snapshot) <= moment:
            return snapshot
    raise StediError(f"{table.name()[-1]} as it was at {_written(moment)} cannot be read: {_beginning(seen[-1])}")


def snapshot_by_id(table: Table, snapshot_id: int) -> Snapshot:
    """A snapshot that readers see, or have seen.

    Args:
        table: one that was published.
        snapshot_id: the snapshot's identifier.

    Raises:
        StediError: the table's history has no such snapshot.
    """
    seen = _seen(table)
    for snapshot in seen:
        if snapshot.snapshot_id == snapshot_id:
            return snapshot
    raise StediError(f"{table.name()[-1]} has no snapshot {snapshot_id}: {_beginning(seen[-1])}")


def committed_at(snapshot: Snapshot) -> datetime:
    """When a snapshot was made, in UTC, to the millisecond."""
    return datetime.fromtimestamp(snapshot.timestamp_ms / 1000, tz=UTC)


def _seen(table: Table) -> list[Snapshot]:
    """What readers have seen in turn, the newest first, up to where one is missing."""
    # Not the table's log: where a snapshot between two others has expired, by that the older was current meanwhile.
    found: list[Snapshot] = []
    newer: Snapshot | None = None
    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        if newer is None or not _is_first_half(snapshot, newer):
            found.append(snapshot)
        newer = snapshot
    return found


def _is_first_half(snapshot: Snapshot, newer: Snapshot) -> bool:
    """Whether nobody ever saw a snapshot: one commit takes all rows out of a table and, in the next, adds others."""
    takes_out = snapshot.summary is not None and snapshot.summary.operation == Operation.DELETE
    return takes_out and folder_of(snapshot) is not None and folder_of(snapshot) == folder_of(newer)


def _beginning(oldest: Snapshot) -> str:
    """Where a history begins, as the end of a sentence."""
    since = f"{_written(committed_at(oldest))} (snapshot {oldest.snapshot_id})"
    if oldest.sequence_number == 1:
        return f"it was first published at {since}."
    return f"the oldest snapshot that is left is of {since}; STEDI_RETENTION says how long they stay."


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
