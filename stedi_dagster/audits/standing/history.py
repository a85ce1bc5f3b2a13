"""The audit `history`: can nobody travel back further than STEDI_RETENTION?"""

from collections.abc import Iterator

from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.audits.standing.finding import Finding

TOO_OLD = "rows in snapshots that are older than STEDI_RETENTION"
_DAY_MS = 24 * 60 * 60 * 1000
# What is over is removed once an hour; a little more, so that it is not told of just before.
_PATIENCE_MS = 90 * 60 * 1000


def find_history(evidence: Evidence) -> Iterator[Finding]:
    """Rows that a snapshot, a tag or a branch leads to, and that should be gone."""
    oldest_ms = evidence.now_ms - evidence.settings.retention * _DAY_MS - _PATIENCE_MS
    for name, table in evidence.tables.items():
        current = table.metadata.current_snapshot_id
        rows = sum(
            int(snapshot.summary.get("total-records") or 0)
            for snapshot in table.metadata.snapshots
            if snapshot.summary and snapshot.snapshot_id != current and snapshot.timestamp_ms < oldest_ms
        )
        if rows:
            yield Finding(name, TOO_OLD, rows)
