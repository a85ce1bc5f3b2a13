"""The Dagster instance of STEDI_HOME: the same one for `stedi run` and for the UI."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock

from stedi_dagster.errors import SettingsError
from stedi_dagster.settings import Settings

# One event database instead of one a run: making a database takes longer than running the job's smaller tables.
# Dagster reports usage to its makers, and its UI opens with a sign-up dialog, unless told not to.
_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: dagster._core.storage.event_log
  class: ConsolidatedSqliteEventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
"""


def make_home(home: Path) -> None:
    """Make STEDI_HOME, for its owner alone: it holds personal data.

    Raises:
        SettingsError: it cannot be made or written.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = home.is_dir() and os.access(home, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise SettingsError(f"STEDI_HOME={str(home)!r} is not allowed: it must be a folder that this user can write.")


def _configuration(compute_logs: str | None) -> str:
    """Dagster's configuration; what runs print goes to S3 where `compute_logs` says so."""
    if compute_logs is None:
        return _DAGSTER_YAML
    bucket, _, prefix = compute_logs.removeprefix("s3://").partition("/")
    manager = {"module": "dagster_aws.s3", "class": "S3ComputeLogManager", "config": {"bucket": bucket}}
    if prefix:
        manager["config"] = {"bucket": bucket, "prefix": prefix}
    # JSON is YAML, too.
    return f"{_DAGSTER_YAML}compute_logs: {json.dumps(manager)}\n"


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance, made where it is missing, and point this process and its children at it.

    One process at a time: of two that make Dagster's databases at once, one fails.

    Raises:
        SettingsError: the home cannot be written.
    """
    home, dagster_home = settings.home, settings.dagster_home
    make_home(home)
    dagster_home.mkdir(exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    if settings.compute_logs is not None:
        from stedi_dagster import aws

        aws.prepare()  # dagster-aws makes a session of its own
    with ExitStack() as closing_later:
        with FileLock(home / "dagster.lock"):
            configuration = dagster_home / "dagster.yaml"
            wanted = _configuration(settings.compute_logs)
            if not configuration.exists() or configuration.read_text(encoding="utf-8") != wanted:
                # Renamed into place: half of it would switch telemetry on.
                unfinished = dagster_home / "dagster.yaml.new"
                unfinished.write_text(wanted, encoding="utf-8")
                unfinished.replace(configuration)
            instance = closing_later.enter_context(dg.DagsterInstance.get())
            # Each asks another database, which is made when it is first asked.
            instance.get_runs(limit=1)
            instance.get_asset_keys(limit=1)
            instance.all_instigator_state()
        for database in dagster_home.rglob("*.db"):
            _keep_open(closing_later.enter_context(closing(sqlite3.connect(database))))
        yield instance


def _keep_open(connection: sqlite3.Connection) -> None:
    # Dagster connects for each event, and whenever nobody is connected any more, SQLite moves its journal into the
    # database: with one connection that stays, a run of unchanged tables takes a tenth less.
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
