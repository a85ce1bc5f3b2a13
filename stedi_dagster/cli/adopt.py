"""`stedi adopt`: taking the tables of a warehouse over into this catalog."""

import json
import sys
from dataclasses import asdict

from stedi_dagster.cli.grid import show
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.origin.adopt import AdoptedTable, adopt
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors
from stedi_dagster.wording import counted


def adopt_tables(*, dry_run: bool, accept_loss: bool, as_json: bool) -> None:
    """Take the tables over, and print each with what is lost of it.

    Raises:
        OriginError: there are none, or something that cannot be made anew would be lost.
    """
    settings = Settings.load()
    lakehouse = Lakehouse.of(settings)
    with (
        storage_errors("adopting the tables", outcome="Run it again."),
        lakehouse.holding.held(
            "stedi adopt",
            timeout=settings.lock_timeout,
            waiting=lambda holder: _tell(f"Waiting for the lakehouse, held by {holder}."),
        ),
    ):
        tables = adopt(lakehouse, accept_loss=accept_loss, really=not dry_run)
    if as_json:
        told = {"adopted": not dry_run, "warehouse": lakehouse.warehouse, "tables": [asdict(table) for table in tables]}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    show([_line(table) for table in tables], as_json=False, columns=("table", "rows", "lost"))
    done = "would be registered; nothing is changed yet" if dry_run else "are registered; `stedi run` goes on with them"
    lost = sum(table.lost is not None for table in tables)
    missed = f"Of {counted(lost, 'tables')} something is lost, as it says" if lost else "Nothing of them is lost"
    _tell(f"{counted(len(tables), 'tables')} of {lakehouse.warehouse} {done}. {missed}.")


def _line(table: AdoptedTable) -> dict[str, object]:
    return {"table": table.table, "rows": f"{table.rows:,}", "lost": table.lost}


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
