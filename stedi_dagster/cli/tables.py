"""`stedi tables` and `stedi quarantine`: what is published, and what could not be read.

Also how every command opens the lakehouse.
"""

import sys
from contextlib import AbstractContextManager
from typing import Any

from rich.console import Console

from stedi_dagster.cli.grid import rows_of, show
from stedi_dagster.contracts import TABLES
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.query import connect, pinned
from stedi_dagster.lakehouse.travel import committed_at
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors


def open_lakehouse() -> Lakehouse:
    """The lakehouse that the settings name.

    Raises:
        StediError: it does not exist yet, or its catalog is lost.
    """
    settings = Settings.load()
    lakehouse = Lakehouse.of(settings)
    exists = settings.catalog != "sqlite" or (settings.home / "catalog.db").exists()
    with storage_errors("looking at the warehouse", outcome=""):
        lakehouse.refuse_lost_catalog(exists=exists)
    if not exists:
        raise StediError(f"Nothing is published in {settings.home} yet: run `stedi run`, or set STEDI_HOME.")
    return lakehouse


def consistent_read(settings: Settings, lakehouse: Lakehouse, command: str) -> AbstractContextManager[None]:
    """Keep others from publishing, to read several tables that belong together.

    Raises:
        BusyError: a run took too long.
    """
    console = Console(stderr=True)
    return lakehouse.writing(
        command,
        timeout=settings.lock_timeout,
        waiting=lambda holder: console.print(f"Waiting for the lakehouse, held by {holder}.", markup=False),
    )


def list_tables(*, as_json: bool) -> None:
    """Print the published tables, layer by layer."""
    found: list[dict[str, Any]] = []
    published = pinned(open_lakehouse())
    for table in (published[name] for name in TABLES if name in published):
        snapshot = table.current_snapshot()
        assert snapshot is not None  # noqa: S101 - `pinned` has only tables that have one
        summary = snapshot.summary.additional_properties if snapshot.summary else {}
        found.append(
            {
                "table": table.name()[-1],
                "rows": int(summary.get("total-records", 0)),
                "snapshot_id": snapshot.snapshot_id,
                "committed_at": committed_at(snapshot).isoformat(timespec="milliseconds"),
                "location": table.location(),
            }
        )
    show(found, as_json=as_json)
    if not found and not as_json:
        sys.stderr.write("Nothing is published yet: run `stedi run`; if it failed, its output says why.\n")


def list_quarantine(*, as_json: bool, limit: int) -> None:
    """Print the feeds' quarantined texts."""
    query = "SELECT feed, file, line, position, reason, raw FROM quarantine ORDER BY feed, file, position"
    lakehouse = open_lakehouse()
    with connect(lakehouse, pinned(lakehouse, query), memory_mb=Settings.load().memory) as connection:
        relation = connection.sql(query if as_json else f"{query} LIMIT {limit}")
        show(rows_of(relation), as_json=as_json, columns=relation.columns)
        total = connection.sql("SELECT count(*) FROM quarantine").fetchall()[0][0]
    if not as_json:
        Console(stderr=True).print(f"{min(total, limit):,} of {total:,} quarantined texts")
