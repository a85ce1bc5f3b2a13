"""The job `everything` in this process, and what its events say it did with each table."""

import gc
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from stedi_dagster.contracts import TABLES, MachineLearningCurated
from stedi_dagster.defs.assets.release import STEP as RELEASE_STEP
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.defs.instance.attribution import TAGS, attribute
from stedi_dagster.defs.instance.lost_runs import running
from stedi_dagster.defs.jobs import EVERYTHING
from stedi_dagster.drafts.run import PARTICIPANTS
from stedi_dagster.settings import Settings

# Dagster's own console log would tear the progress bar; every event is in the instance, for the UI.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class TableResult:
    """What a run did with one table."""

    table: str
    state: str = "skipped"
    # How its rows came about, and where all of them were made anew: why.
    made: str | None = None
    why: str | None = None
    rows_added: int | None = None
    rows_taken_out: int | None = None
    # Of the raw files and data files that were read for it, each once.
    bytes_read: int | None = None
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


@dataclass
class ReleasesResult:
    """What a run did with releases: how many rows of which had to go, or why that could not be done."""

    cut_again: dict[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class RunResult:
    """What a run did: with every table, layer by layer, and with what was made of them."""

    run_id: str
    success: bool
    tables: dict[str, TableResult]
    releases: ReleasesResult


class EverythingJob:
    """The job `everything`, ready to be run in this process.

    Building it takes most of a second: it is done before the instance is opened, which others may wait for.
    """

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self._job = build_defs(settings).resolve_job_def(EVERYTHING)
        # `main` switched it off; what the imports made is here to stay, and need not be looked through.
        gc.freeze()
        gc.enable()

    def run(
        self, instance: dg.DagsterInstance, tags: Mapping[str, Sequence[str]], report: Callable[[str, int], None]
    ) -> RunResult:
        """Run it to its end.

        Args:
            instance: where the run is recorded.
            tags: the names under each of the run's tags; a tag without names is left out.
            report: told what is being done, and how many tables are done.
        """
        run_id = str(uuid.uuid4())
        tables = {name: TableResult(name) for name in TABLES}
        releases = ReleasesResult()

        def follow(event: dg.EventLogEntry) -> None:
            _record(event, tables)
            _record_releases(event, releases)
            if event.dagster_event_type == dg.DagsterEventType.RUN_START:
                attribute(run_id, EVERYTHING, instance)
            if progress := _progress(event, tables):
                report(progress, sum(table.seconds is not None for table in tables.values()))

        instance.add_event_listener(run_id, follow)
        with running(instance, run_id, self._home):
            result = self._job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config=_QUIET,
                run_id=run_id,
                tags=TAGS | {tag: ",".join(names) for tag, names in tags.items() if names},
            )
        return RunResult(run_id, result.success, tables, releases)


def _progress(entry: dg.EventLogEntry, tables: dict[str, TableResult]) -> str | None:
    """What an event of the run says is going on; None where it says nothing of that."""
    event = entry.dagster_event
    if event is None or event.step_key not in tables:
        return None
    table = tables[event.step_key]
    if event.is_step_start:
        return table.table
    if event.is_step_success or event.is_step_failure:
        rows = "" if table.rows is None else f", {table.rows:,} rows"
        return f"{table.table}: {table.state}{rows}"
    return None


def _record(entry: dg.EventLogEntry, tables: dict[str, TableResult]) -> None:
    """Keep what an event of the run says about a table."""
    event = entry.dagster_event
    if event is not None and event.step_key == PARTICIPANTS and event.is_step_failure:
        table = tables[MachineLearningCurated.table()]
        table.state, table.error = "not published", f"{PARTICIPANTS}: {_explanation(event)}"
    if event is None or event.step_key not in tables:
        return
    table = tables[event.step_key]
    if event.is_step_start:
        table.state = "running"
    # Not of its quarantine, which the same step makes.
    elif event.is_step_materialization and event.asset_key == dg.AssetKey(table.table):
        metadata: Any = event.step_materialization_data.materialization.metadata
        table.state = "unchanged" if metadata["unchanged"].value else "published"
        table.made = metadata["made"].value
        table.why = metadata["why"].value if "why" in metadata else None
        table.rows_added, table.rows_taken_out = metadata["rows_added"].value, metadata["rows_taken_out"].value
        table.bytes_read = metadata["bytes_read"].value
        table.rows = metadata["dagster/row_count"].value
        table.snapshot_id = metadata["snapshot_id"].value
        table.withheld = {record.data["reason"]: record.data["rows"] for record in metadata["withheld"].records}
    elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        evaluation = event.asset_check_evaluation_data
        verdict = table.passed if evaluation.passed else table.failed
        if not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.WARN:
            verdict = table.warned
        verdict.append(evaluation.check_name)
        if not evaluation.passed:
            table.findings[evaluation.check_name] = _finding(evaluation)
    elif event.is_step_success:
        table.seconds = event.step_success_data.duration_ms / 1000
    elif event.is_step_failure:
        table.state = "not published"
        table.error = _explanation(event)


def _record_releases(entry: dg.EventLogEntry, releases: ReleasesResult) -> None:
    """Keep what an event of the run says about releases."""
    event = entry.dagster_event
    if event is None or event.step_key != RELEASE_STEP:
        return
    if event.is_step_materialization:
        metadata: Any = event.step_materialization_data.materialization.metadata
        releases.cut_again = {record.data["release"]: record.data["rows"] for record in metadata["cut_again"].records}
    elif event.is_step_failure:
        releases.error = _explanation(event)


def _finding(evaluation: dg.AssetCheckEvaluation) -> str:
    """What a check found, with its counts."""
    counts_table: Any = evaluation.metadata.get("counts")
    counts = []
    for record in counts_table.records if counts_table else ():
        *names, rows = record.data.values()
        counts.append(f"{': '.join(names)} {rows:,}")
    return " ".join(filter(None, [evaluation.description, "; ".join(counts)]))


def _explanation(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return f"{failure.error_display_string.strip().splitlines()[-1]}; the run's page in the UI has the stack trace"
