"""`stedi adopt`: takes over the tables of a warehouse into this catalog."""

import json
import sys
from dataclasses import asdict

from stedi_dagster.cli.grid import show
from stedi_dagster.lakehouse.adopt import AdoptedTable, adopt
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors
from stedi_dagster.wording import counted


def adopt_tables(*, dry_run: bool, accept_loss: bool, as_json: bool) -> None:
    """Take the tables over, and print each with what is lost.

    Raises:
        OriginError: there are no tables, or something that cannot be restored would be lost.
    """
    settings = Settings.load()
    lakehouse = Lakehouse.of(settings)
    with (
        storage_errors("adopting the tables", outcome="Run it again."),
        lakehouse.holding.held(
            "stedi adopt",
            timeout=settings.lock_timeout,
            waiting=lambda holder: _print_note(f"Waiting for the lakehouse, held by {holder}."),
        ),
    ):
        tables = adopt(lakehouse, accept_loss=accept_loss, really=not dry_run)
    if as_json:
        result = {"adopted": not dry_run, "warehouse": lakehouse.warehouse, "tables": [asdict(each) for each in tables]}
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return
    show([_row(table) for table in tables], as_json=False, columns=("table", "rows", "lost"))
    state = (
        "would be registered; nothing is changed yet" if dry_run else "are registered; `stedi run` goes on with them"
    )
    lost = sum(table.lost is not None for table in tables)
    losses = f"Parts of {counted(lost, 'tables')} are lost, as listed" if lost else "Nothing in them is lost"
    _print_note(f"{counted(len(tables), 'tables')} of {lakehouse.warehouse} {state}. {losses}.")


def _row(table: AdoptedTable) -> dict[str, object]:
    return {"table": table.table, "rows": f"{table.rows:,}", "lost": table.lost}


def _print_note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
