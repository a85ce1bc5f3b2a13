"""`stedi run`: the Dagster job `everything` in this process, on the instance that the UI shows."""

import gc
import json
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg
from rich.markup import escape
from rich.table import Table

from stedi_dagster.automation import EVERYTHING
from stedi_dagster.cli.attribution import TAGS, attribute
from stedi_dagster.cli.grid import Printing
from stedi_dagster.cli.pipes import while_somebody_reads
from stedi_dagster.cli.progress import progress
from stedi_dagster.cli.sending import send_alerts
from stedi_dagster.contracts import TABLES
from stedi_dagster.definitions import build_defs
from stedi_dagster.errors import BusyError
from stedi_dagster.instance import open_instance
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.zone import refuse_lost_zone
from stedi_dagster.lost_runs import running
from stedi_dagster.run_tags import ACCEPT_VOLUME, AGAIN
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors

# Dagster's own console log would tear the progress bar; every event is in the instance, for the UI.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


_WIDTH_OF_A_PIPE = 140


@dataclass
class Line:
    """What a run did with one table."""

    table: str
    state: str = "skipped"
    rows: int | None = None
    withheld: dict[str, int] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    # What each check that did not pass found.
    findings: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    snapshot_id: str | None = None
    error: str | None = None


def run_everything(*, as_json: bool, accept_volume: Sequence[str] = (), again: Sequence[str] = ()) -> bool:
    """Run, show progress, print what came of it; return whether every table is published.

    Args:
        as_json: whether to print JSON.
        accept_volume: the feeds that are meant to be smaller than before.
        again: the tables to make anew although nothing has changed.

    Raises:
        SettingsError: a setting is not allowed.
        OriginError: the tables in the warehouse are not those that the catalog knows.
        StorageError: the catalog or one of Dagster's databases is damaged, locked, or cannot be written.
        LandingError: nothing of the landing zone can be read.
    """
    settings = Settings.load()
    job = build_defs(settings).resolve_job_def(EVERYTHING)
    lines = {name: Line(name) for name in TABLES}
    # `main` switched it off; what the imports made is here to stay, and need not be looked through.
    gc.freeze()
    gc.enable()
    run_id = str(uuid.uuid4())
    asked = {ACCEPT_VOLUME: accept_volume, AGAIN: again}
    tags = TAGS | {tag: ",".join(names) for tag, names in asked.items() if names}
    with (
        open_instance(settings) as instance,
        progress(len(TABLES)) as tell,
    ):
        _recognise(settings)

        def follow(event: dg.EventLogEntry) -> None:
            _record(event, lines)
            if event.dagster_event_type == dg.DagsterEventType.RUN_START:
                attribute(run_id, EVERYTHING, instance)
            if said := _said(event, lines):
                tell(said, sum(line.seconds is not None for line in lines.values()))

        instance.add_event_listener(run_id, follow)
        with running(instance, run_id, settings.home):
            result = job.execute_in_process(
                instance=instance, raise_on_error=False, run_config=_QUIET, run_id=run_id, tags=tags
            )
        tell("sending alerts" if settings.alerting else "finishing", len(TABLES))
        alert_problems = send_alerts(settings, instance)
    if all(lines[name].error for name in FEEDS):
        # Not before: the run that fails is what alerts tell of.
        refuse_lost_zone(settings.landing, begun=_anything_published(settings))
    with while_somebody_reads():
        if as_json:
            tables = [asdict(line) for line in lines.values()]
            told = {"run_id": run_id, "success": result.success, "tables": tables}
            sys.stdout.write(f"{json.dumps(told, indent=2)}\n")
        else:
            _show(lines, settings)
    for problem in alert_problems:
        sys.stderr.write(f"stedi: {problem}\n")
    return result.success


def _recognise(settings: Settings) -> None:
    """Say once, and not for each table, that catalog and warehouse do not belong together."""
    # Another run that holds the lakehouse looked itself, and each step looks again.
    with suppress(BusyError), storage_errors("looking at the warehouse", outcome="Nothing was changed."):
        lakehouse = Lakehouse.of(settings)
        with lakehouse.writing("stedi run", timeout=0, waiting=lambda _holder: None):
            pass


def _anything_published(settings: Settings) -> bool:
    with storage_errors("looking at the warehouse", outcome=""):
        lakehouse = Lakehouse.of(settings)
        return any(lakehouse.read(name, contract) for name, contract in TABLES.items())


def _said(entry: dg.EventLogEntry, lines: dict[str, Line]) -> str | None:
    """What an event of the run says is going on; None where it says nothing of that."""
    event = entry.dagster_event
    if event is None or event.step_key not in lines:
        return None
    line = lines[event.step_key]
    if event.is_step_start:
        return line.table
    if event.is_step_success or event.is_step_failure:
        rows = "" if line.rows is None else f", {line.rows:,} rows"
        return f"{line.table}: {line.state}{rows}"
    return None


def _record(entry: dg.EventLogEntry, lines: dict[str, Line]) -> None:
    """Keep what an event of the run says about a table."""
    event = entry.dagster_event
    if event is None or event.step_key not in lines:
        return
    line = lines[event.step_key]
    if event.is_step_start:
        line.state = "running"
    elif event.is_step_materialization:
        metadata: Any = event.step_materialization_data.materialization.metadata
        line.state = "unchanged" if metadata["unchanged"].value else "published"
        line.rows = metadata["dagster/row_count"].value
        line.snapshot_id = metadata["snapshot_id"].value
        line.withheld = {record.data["reason"]: record.data["rows"] for record in metadata["withheld"].records}
    elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        evaluation = event.asset_check_evaluation_data
        verdict = line.passed if evaluation.passed else line.failed
        if not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.WARN:
            verdict = line.warned
        verdict.append(evaluation.check_name)
        if not evaluation.passed:
            line.findings[evaluation.check_name] = _finding(evaluation)
    elif event.is_step_success:
        line.seconds = event.step_success_data.duration_ms / 1000
    elif event.is_step_failure:
        line.state = "not published"
        line.error = _explanation(event)


def _finding(evaluation: dg.AssetCheckEvaluation) -> str:
    """What a check found, with its counts."""
    table: Any = evaluation.metadata.get("counts")
    counts = []
    for record in table.records if table else ():
        *names, rows = record.data.values()
        counts.append(f"{': '.join(names)} {rows:,}")
    return " ".join(filter(None, [evaluation.description, "; ".join(counts)]))


def _explanation(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return f"{failure.error_display_string.strip().splitlines()[-1]}; the run's page in the UI has the stack trace"


def _show(lines: dict[str, Line], settings: Settings) -> None:
    console = Printing(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    table = Table(box=None, pad_edge=False)
    for heading in ("table", "state", "rows", "withheld, and why", "checks", "seconds"):
        numeric = heading in {"rows", "seconds"}
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=not heading.startswith("withheld"))
    for line in lines.values():
        rows = "" if line.rows is None else f"{line.rows:,}"
        why = "\n".join(f"{count:,} {reason}" for reason, count in line.withheld.items() if count)
        seconds = "" if line.seconds is None else f"{line.seconds:.2f}"
        table.add_row(line.table, line.state, rows, why, _checks(line), seconds)
    console.print(table)
    for error in dict.fromkeys(line.error for line in lines.values() if line.error):
        tables = ", ".join(line.table for line in lines.values() if line.error == error)
        console.print(f"\n[bold red]{tables}[/]: {escape(error)}", soft_wrap=True)
    for line in lines.values():
        for check, finding in line.findings.items():
            colour = "bold red" if check in line.failed else "yellow"
            console.print(f"[{colour}]{line.table}, {check}[/]: {escape(finding)}", soft_wrap=True)
    if any(line.snapshot_id for line in lines.values()):
        console.print(
            f"\nThe tables are in {settings.warehouse_location} (`stedi tables`, `stedi sql`).", soft_wrap=True
        )
    console.print("Open the UI with `make ui`: http://127.0.0.1:3000")


def _checks(line: Line) -> str:
    parts = [f"[green]{len(line.passed)} passed[/]"] if line.passed else []
    parts += [f"[yellow]{name} warns[/]" for name in line.warned]
    parts += [f"[bold red]{name} failed[/]" for name in line.failed]
    return ", ".join(parts)
