"""Dagster's home in STEDI_HOME: its configuration, and its databases, which are either complete or absent.

Dagster creates a database in many steps and assumes that any database it finds is complete. So they are created
elsewhere and then renamed.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from stedi_dagster.errors import SettingsError

CONFIGURATION = "dagster.yaml"
# One event database instead of one per run: creating one takes longer than materializing the job's smaller tables.
# By default Dagster reports usage to its makers, and its UI opens with a sign-up dialog.
_WITHOUT_POOLS = """\
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
# One run at a time in each pool. Limits runs, not steps: then only Dagster's queue asks for slots, so that `stedi run`
# does not wait for one, and a killed run holds none once it is recorded as ended.
_OURS = f"""\
{_WITHOUT_POOLS}concurrency:
  pools:
    default_limit: 1
    granularity: run
"""
_COMPUTE_LOGS = "compute_logs: "
# Names the databases that were completed, one a line; written last.
_COMPLETED = "databases"
_MAKING = ".making-dagster-"
# Tables that Dagster itself fills when it creates a database or first uses it; rows in others are the user's.
_BOOKKEEPING = {"alembic_version", "secondary_indexes", "instance_info", "kvs", "daemon_heartbeats"}


def prepare(dagster_home: Path, compute_logs: str | None) -> None:
    """Create what is missing in the home, and change nothing else. The caller holds its lock.

    Args:
        dagster_home: the folder; DAGSTER_HOME is set to it.
        compute_logs: s3:// URL below which Dagster keeps the output of runs.

    Raises:
        SettingsError: the user's own configuration contradicts the settings.
    """
    dagster_home.mkdir(exist_ok=True)
    _configure(dagster_home / CONFIGURATION, compute_logs)
    completed = dagster_home / _COMPLETED
    if not completed.exists() or not all((dagster_home / name).exists() for name in completed.read_text().splitlines()):
        _make_databases(dagster_home, completed)
    os.environ["DAGSTER_HOME"] = str(dagster_home)


def _configure(path: Path, compute_logs: str | None) -> None:
    """Write the configuration if there is none, or only an older one of ours; keep the user's own."""
    wanted = _configuration(compute_logs)
    found = path.read_text(encoding="utf-8") if path.exists() else None
    if found is None or (_is_ours(found) and found != wanted):
        # Renamed into place, because half of it would switch telemetry on.
        unfinished = path.with_name(f"{path.name}.new")
        unfinished.write_text(wanted, encoding="utf-8")
        unfinished.replace(path)
    elif compute_logs is not None and not _is_ours(found) and f"\n{_COMPUTE_LOGS.strip()}" not in f"\n{found}":
        raise SettingsError(
            f"STEDI_COMPUTE_LOGS={compute_logs!r} has no effect: {path} is your own, and is left as it is. Set there, "
            "under `compute_logs`, where Dagster is to keep the output of runs, or unset STEDI_COMPUTE_LOGS."
        )


def _configuration(compute_logs: str | None) -> str:
    """Our configuration; the output of runs goes to S3 if `compute_logs` is given."""
    if compute_logs is None:
        return _OURS
    bucket, _, prefix = compute_logs.removeprefix("s3://").partition("/")
    manager = {"module": "dagster_aws.s3", "class": "S3ComputeLogManager", "config": {"bucket": bucket}}
    if prefix:
        manager["config"] = {"bucket": bucket, "prefix": prefix}
    # JSON is YAML, too.
    return f"{_OURS}{_COMPUTE_LOGS}{json.dumps(manager)}\n"


def _is_ours(text: str) -> bool:
    """Whether the platform wrote this, in this version or an earlier one, under the present or another setting."""
    ours = next((ours for ours in (_OURS, _WITHOUT_POOLS) if text.startswith(ours)), None)
    if ours is None:
        return False
    more = text.removeprefix(ours)
    try:
        return not more or set(json.loads(more.removeprefix(_COMPUTE_LOGS))) == {"module", "class", "config"}
    except json.JSONDecodeError:
        return False


def _make_databases(dagster_home: Path, completed: Path) -> None:
    """Create all databases next to the home, and move those into place that are missing or incomplete there."""
    home = dagster_home.parent
    for leftover in home.glob(f"{_MAKING}*"):
        shutil.rmtree(leftover)
    with TemporaryDirectory(prefix=_MAKING, dir=home) as name:
        fresh = Path(name)
        shutil.copyfile(dagster_home / CONFIGURATION, fresh / CONFIGURATION)
        os.environ["DAGSTER_HOME"] = name
        with dg.DagsterInstance.get() as instance:
            # Each queries another database, which is created at its first query.
            instance.get_runs(limit=1)
            instance.get_asset_keys(limit=1)
            instance.all_instigator_state()
        databases = sorted(str(path.relative_to(fresh)) for path in fresh.rglob("*.db"))
        for database in databases:
            target = dagster_home / database
            if not target.exists() or _is_incomplete(target, fresh / database):
                target.parent.mkdir(parents=True, exist_ok=True)
                for journal in target.parent.glob(f"{target.name}-*"):
                    journal.unlink()  # that of the replaced database
                (fresh / database).replace(target)
    unfinished = completed.with_name(f"{completed.name}.new")
    unfinished.write_text("\n".join(databases), encoding="utf-8")
    unfinished.replace(completed)


def _is_incomplete(found: Path, fresh: Path) -> bool:
    """Whether a database lacks something that a fresh one has, and holds nothing that anybody would miss."""
    with _reading(found) as incomplete, _reading(fresh) as complete:
        return not _shape(incomplete) >= _shape(complete) and not any(
            incomplete.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()  # noqa: S608 - a name of the database's own
            for (table,) in incomplete.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if table not in _BOOKKEEPING and not table.startswith("sqlite_")
        )


def _shape(database: sqlite3.Connection) -> set[tuple[str, str]]:
    """The structure of a database: tables, indexes, and the migrations that Dagster has recorded."""
    found = set(database.execute("SELECT type, name FROM sqlite_master").fetchall())
    for table, column in (("alembic_version", "version_num"), ("secondary_indexes", "name")):
        if ("table", table) in found:
            found |= {(table, value) for (value,) in database.execute(f"SELECT {column} FROM {table}")}  # noqa: S608
    return found


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection
