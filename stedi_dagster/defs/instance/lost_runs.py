"""Runs whose process was killed: Dagster would show them as running for ever."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from stedi_dagster.stopping import if_stopped

_FOLDER = "running"
_BEGUN_WITHIN_SECONDS = 60
_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
# Dagster's own tag for a run that its code server started, and which ends with it at the latest.
_BY_THE_CODE_SERVER = ".dagster/grpc_info"


@contextmanager
def running(instance: dg.DagsterInstance, run_id: str, home: Path) -> Iterator[None]:
    """Hold a lock during a run in this process; the system releases it however the process ends.

    Args:
        instance: records the run as canceled if the command is stopped.
        run_id: the run.
        home: STEDI_HOME.
    """
    folder = home / _FOLDER
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / f"{run_id}.lock")
    with lock, if_stopped(lambda: _cancel(instance, run_id)):
        yield
    Path(lock.lock_file).unlink(missing_ok=True)


def record_lost(instance: dg.DagsterInstance, home: Path) -> None:
    """Record as canceled the runs of our commands that were killed."""
    for lost in (home / _FOLDER).glob("*.lock"):
        try:
            with FileLock(lost, timeout=0):
                # One that is not recorded may be about to be: its process has made the file and holds it in a moment.
                if instance.get_run_by_id(lost.stem) or _age(lost) > _BEGUN_WITHIN_SECONDS:
                    _cancel(instance, lost.stem)
                    lost.unlink(missing_ok=True)
        except Timeout:
            continue


def record_ended(instance: dg.DagsterInstance) -> None:
    """Record as canceled the runs of the UI's code server, which has ended."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY)):
        if _BY_THE_CODE_SERVER in record.dagster_run.tags:
            _cancel(instance, record.dagster_run.run_id)


def _cancel(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, "Its process was stopped. What it had published stays, and is whole.")


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime
