"""The audit `files`: is every file of what is published what it was then? Reads all of them."""

from collections import Counter
from collections.abc import Iterator

from pyiceberg.table import Table

from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import CONTRACTS, TABLES
from stedi_dagster.lakehouse.checksums import Damage, damaged_files
from stedi_dagster.landing.feeds import FEEDS

NOT_RECORDED = "snapshots of which no checksums were recorded: only the next one published will have them"
# Which table's making makes another one again.
_MADE_WITH = {name: name for name in TABLES} | {
    made: feed.contract.table() for feed in FEEDS.values() for made in (feed.quarantine, feed.landed_files)
}
_DATA = "data/"


def find_damaged(evidence: Evidence) -> Iterator[Finding]:
    """Files of current snapshots that are gone, cut short or altered; a warning: snapshots that cannot be judged.

    Raises:
        StorageError: a file is there, and cannot be read.
    """
    for name, table in evidence.tables.items():
        if name not in CONTRACTS:
            continue  # somebody else's
        damages = damaged_files(table, evidence.lakehouse.storage)
        if damages and (now := _published_since(evidence, table)) is not None:
            # What is expired by now is no longer there for a reason.
            damages = damaged_files(now, evidence.lakehouse.storage)
        if damages is None:
            yield Finding(name, NOT_RECORDED, 1)
            continue
        counts = Counter((path.startswith(_DATA), damage) for path, damage in damages.items())
        for (of_data, damage), files in sorted(counts.items(), reverse=True):
            yield Finding(name, problem(name, damage, of_data=of_data), files, fails=True)


def _published_since(evidence: Evidence, table: Table) -> Table | None:
    """The table as it is now, if it was published anew while audits ran."""
    now = evidence.lakehouse.table(table.name()[-1])
    same = now is None or now.metadata.current_snapshot_id == table.metadata.current_snapshot_id
    return None if same else now


def problem(table: str, damage: Damage, *, of_data: bool) -> str:
    """What is told of files of a table, and what mends it.

    Args:
        table: its name.
        damage: what became of them.
        of_data: whether they are data files; otherwise they say which data files there are.
    """
    became = f"{'data' if of_data else 'metadata'} files that {'are' if damage is Damage.GONE else 'were'} {damage}"
    if of_data and table in _MADE_WITH:
        return f"{became}: `stedi run --full-refresh {_MADE_WITH[table]}` makes the table again"
    return f"{became}: bring back what the warehouse's backup has"
