"""`stedi run`: the Dagster job `everything` in this process, on the instance that the UI shows.

How the job is executed is in `defs.execution`.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from stedi_dagster.cli.grid import Printing
from stedi_dagster.cli.pipes import while_somebody_reads
from stedi_dagster.cli.progress import progress
from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.alerts.record import send_alerts
from stedi_dagster.defs.execution import EverythingJob, RunResult, TableResult
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.drafts.made import Made
from stedi_dagster.errors import BusyError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.zone import refuse_lost_zone
from stedi_dagster.run_tags import ACCEPT_VOLUME, FULL_REFRESH
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors
from stedi_dagster.wording import counted

_WIDTH_OF_A_PIPE = 140


def run_everything(*, as_json: bool, accept_volume: Sequence[str] = (), full_refresh: Sequence[str] = ()) -> bool:
    """Run, show progress and print the result; return whether every table is published.

    Args:
        as_json: whether to print JSON.
        accept_volume: the feeds that are meant to be smaller than before.
        full_refresh: the tables to make in full although nothing is new; `all` for all of them.

    Raises:
        SettingsError: a setting is not allowed.
        OriginError: the tables in the warehouse are not those that the catalog knows.
        StorageError: the catalog or one of Dagster's databases is damaged, locked, or cannot be written.
        LandingError: nothing of the landing zone can be read.
    """
    settings = Settings.load()
    job = EverythingJob(settings)
    with (
        open_instance(settings) as instance,
        progress(len(TABLES)) as show_progress,
    ):
        _refuse_foreign_tables(settings)
        result = job.run(instance, {ACCEPT_VOLUME: accept_volume, FULL_REFRESH: full_refresh}, show_progress)
        show_progress("sending alerts" if settings.alerting else "finishing", len(TABLES))
        alert_problems = send_alerts(settings, instance)
    if all(result.tables[name].error for name in FEEDS):
        # Only now, because alerts report the failed run.
        refuse_lost_zone(settings.landing, begun=_anything_published(settings))
    with while_somebody_reads():
        if as_json:
            tables = [asdict(table) for table in result.tables.values()]
            sys.stdout.write(f"{json.dumps(asdict(result) | {'tables': tables}, indent=2)}\n")
        else:
            _show(result, settings)
    for problem in alert_problems:
        sys.stderr.write(f"stedi: {problem}\n")
    return result.success


def _refuse_foreign_tables(settings: Settings) -> None:
    """Report only once, not for each table, that catalog and warehouse do not belong together."""
    # If another run holds the lakehouse, it has checked that itself, and each step checks it again.
    with suppress(BusyError), storage_errors("looking at the warehouse", outcome="Nothing was changed."):
        lakehouse = Lakehouse.of(settings)
        with lakehouse.writing("stedi run", timeout=0, waiting=lambda _holder: None):
            pass


def _anything_published(settings: Settings) -> bool:
    with storage_errors("looking at the warehouse", outcome=""):
        lakehouse = Lakehouse.of(settings)
        return any(lakehouse.read(name, contract) for name, contract in TABLES.items())


def _show(result: RunResult, settings: Settings) -> None:
    tables = result.tables
    console = Printing(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    grid = Table(box=None, pad_edge=False)
    for heading in ("table", "state", "rows", "withheld, and why", "checks", "seconds"):
        numeric = heading in {"rows", "seconds"}
        grid.add_column(heading, justify="right" if numeric else "left", no_wrap=not heading.startswith("withheld"))
    for table in tables.values():
        rows = "" if table.rows is None else f"{table.rows:,}"
        reasons = "\n".join(f"{count:,} {reason}" for reason, count in table.withheld.items() if count)
        seconds = "" if table.seconds is None else f"{table.seconds:.2f}"
        grid.add_row(table.table, _state(table), rows, reasons, _checks(table), seconds)
    console.print(grid)
    for error in dict.fromkeys(table.error for table in tables.values() if table.error):
        names = ", ".join(table.table for table in tables.values() if table.error == error)
        console.print(f"\n[bold red]{names}[/]: {escape(error)}", soft_wrap=True)
    for why in dict.fromkeys(table.why for table in tables.values() if table.why):
        names = ", ".join(table.table for table in tables.values() if table.why == why)
        console.print(f"Made in full, because {escape(why)}: {names}", soft_wrap=True)
    for table in tables.values():
        for check, finding in table.findings.items():
            colour = "bold red" if check in table.failed else "yellow"
            console.print(f"[{colour}]{table.table}, {check}[/]: {escape(finding)}", soft_wrap=True)
    for release, gone in result.releases.cut_again.items():
        console.print(f"{escape(release)}: {counted(gone, 'rows')} had to go (`stedi release show`)", soft_wrap=True)
    if result.releases.error:
        console.print(f"[bold red]releases[/]: {escape(result.releases.error)}", soft_wrap=True)
    if any(table.snapshot_id for table in tables.values()):
        console.print(
            f"\nThe tables are in {settings.warehouse_location} (`stedi tables`, `stedi sql`).", soft_wrap=True
        )
    console.print("Open the UI with `make ui`: http://127.0.0.1:3000")


def _state(table: TableResult) -> str:
    """What became of a table; of one that is published, also how much of it is new."""
    if table.state != "published" or table.made is None:
        return table.state
    if table.made == Made.FULL:
        return "made in full" if table.why else table.state
    changes = [f"{sign}{rows:,}" for sign, rows in (("+", table.rows_added), ("-", table.rows_taken_out)) if rows]
    return " ".join([table.made, *changes])


def _checks(table: TableResult) -> str:
    parts = [f"[green]{len(table.passed)} passed[/]"] if table.passed else []
    parts += [f"[yellow]{name} warns[/]" for name in table.warned]
    parts += [f"[bold red]{name} failed[/]" for name in table.failed]
    return ", ".join(parts)
