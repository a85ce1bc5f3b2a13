"""The audit `freshness`: is every table made from what there is now?

A snapshot records what it was made from. What has changed since may wait for STEDI_FRESHNESS.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import TABLES
from stedi_dagster.erasure.ledger import Ledger
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.summary import inputs_of, newer_inputs
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import RawFile, list_files
from stedi_dagster.storage import Storage, storage_for

UNKNOWN = "snapshots that no run of the platform published"
FILES_SINCE = "landing folders that have changed since and are not landed again"
TABLES_SINCE = "tables published since that it was not made from"
_HOUR_MS = 60 * 60 * 1000


def find_stale(evidence: Evidence) -> Iterator[Finding]:
    """Tables that have stayed behind for longer than STEDI_FRESHNESS, and those that cannot be judged.

    Raises:
        StediError: a table is not published.
        LandingError: the landing zone cannot be read.
    """
    current = {name: table.current_snapshot() for name, table in evidence.tables.items()}
    missing = [name for name in TABLES if current.get(name) is None]
    if missing:
        raise StediError(f"{', '.join(missing)} is not published yet: run `stedi run`.")
    snapshots = {name: snapshot for name, snapshot in current.items() if snapshot is not None}
    since = evidence.now_ms - evidence.settings.freshness * _HOUR_MS
    for name in TABLES:
        snapshot = snapshots[name]
        if inputs_of(snapshot) is None:
            yield Finding(name, UNKNOWN, 1)
        elif name in FEEDS:
            if snapshot.timestamp_ms <= since and not landed(evidence, name, snapshot):
                yield Finding(name, FILES_SINCE, 1)
        elif newer := newer_inputs(name, snapshots, until=since):
            yield Finding(name, TABLES_SINCE, len(newer))


def landed(evidence: Evidence, table: str, snapshot: Snapshot) -> bool:
    """Whether a landing table was made from the files that its feed has now, by what is known of those that landed."""
    feed = FEEDS[table]
    listing = list_files(evidence.settings.landing, feed)
    files = evidence.tables.get(feed.landed_files)
    if files is None or inputs_of(files.current_snapshot()) != inputs_of(snapshot):
        return False
    if any(erasure.erased_at_ms > snapshot.timestamp_ms for erasure in Ledger(evidence.lakehouse).erasures()):
        return False
    rows = files.scan(selected_fields=("key", "size", "version", "digest")).to_arrow().to_pylist()
    known = {row["key"]: row for row in rows}
    storage = storage_for(listing.location)
    return known.keys() == {file.key for file in listing.files} and all(
        _is_same(known[file.key], file, storage) for file in listing.files
    )


def _is_same(known: Mapping[str, Any], file: RawFile, storage: Storage) -> bool:
    """Whether a raw file is what it was when it landed, whatever its time says."""
    if known["size"] != file.size:
        return False
    return bool(known["version"] == file.version or (known["digest"] and known["digest"] == storage.digest(file.path)))
