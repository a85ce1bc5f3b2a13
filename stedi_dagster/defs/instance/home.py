"""Dagster's home in STEDI_HOME: its configuration, and its databases, which are whole or not there.

Dagster makes a database in many steps and takes whatever it finds for whole. So they are made elsewhere, and renamed.
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
# One event database instead of one a run: making a database takes longer than running the job's smaller tables.
# Dagster reports usage to its makers, and its UI opens with a sign-up dialog, unless told not to.
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
# One run at a time for each pool. By runs and not by steps: nothing asks for a slot then but Dagster's queue, so that
# `stedi run` waits for none, and a run that was killed holds none once it is recorded as ended.
_OURS = f"""\
{_WITHOUT_POOLS}concurrency:
  pools:
    default_limit: 1
    granularity: run
"""
_COMPUTE_LOGS = "compute_logs: "
# Names the databases that were made whole, a line each; written last.
_WHOLE = "databases"
_MAKING = ".making-dagster-"
# What Dagster itself writes into a database while it makes it, or at its first use; rows elsewhere are somebody's.
_BOOKKEEPING = {"alembic_version", "secondary_indexes", "instance_info", "kvs", "daemon_heartbeats"}


def prepare(dagster_home: Path, compute_logs: str | None) -> None:
    """Make what is missing of the home; nothing is changed where it is whole. The caller holds its lock.

    Args:
        dagster_home: the folder; DAGSTER_HOME is this afterwards.
        compute_logs: s3:// URL below which Dagster keeps what runs print.

    Raises:
        SettingsError: the user's own configuration contradicts the settings.
    """
    dagster_home.mkdir(exist_ok=True)
    _configure(dagster_home / CONFIGURATION, compute_logs)
    whole = dagster_home / _WHOLE
    if not whole.exists() or not all((dagster_home / name).exists() for name in whole.read_text().splitlines()):
        _make_databases(dagster_home, whole)
    os.environ["DAGSTER_HOME"] = str(dagster_home)


def _configure(path: Path, compute_logs: str | None) -> None:
    """Write the configuration where there is none, or one of ours; the user's own stays as it is."""
    wanted = _configuration(compute_logs)
    found = path.read_text(encoding="utf-8") if path.exists() else None
    if found is None or (_is_ours(found) and found != wanted):
        # Renamed into place: half of it would switch telemetry on.
        unfinished = path.with_name(f"{path.name}.new")
        unfinished.write_text(wanted, encoding="utf-8")
        unfinished.replace(path)
    elif compute_logs is not None and not _is_ours(found) and f"\n{_COMPUTE_LOGS.strip()}" not in f"\n{found}":
        raise SettingsError(
            f"STEDI_COMPUTE_LOGS={compute_logs!r} cannot be followed: {path} is your own, and is left as it is. Say "
            "there, under `compute_logs`, where Dagster is to keep what runs print, or unset STEDI_COMPUTE_LOGS."
        )


def _configuration(compute_logs: str | None) -> str:
    """Our configuration; what runs print goes to S3 where `compute_logs` says so."""
    if compute_logs is None:
        return _OURS
    bucket, _, prefix = compute_logs.removeprefix("s3://").partition("/")
    manager = {"module": "dagster_aws.s3", "class": "S3ComputeLogManager", "config": {"bucket": bucket}}
    if prefix:
        manager["config"] = {"bucket": bucket, "prefix": prefix}
    # JSON is YAML, too.
    return f"{_OURS}{_COMPUTE_LOGS}{json.dumps(manager)}\n"


def _is_ours(text: str) -> bool:
    """Whether this is what the platform writes, or wrote before, now or under another setting."""
    ours = next((ours for ours in (_OURS, _WITHOUT_POOLS) if text.startswith(ours)), None)
    if ours is None:
        return False
    more = text.removeprefix(ours)
    try:
        return not more or set(json.loads(more.removeprefix(_COMPUTE_LOGS))) == {"module", "class", "config"}
    except json.JSONDecodeError:
        return False


def _make_databases(dagster_home: Path, whole: Path) -> None:
    """Make all databases anew beside the home, and put in place those that it lacks, or has half of."""
    home = dagster_home.parent
    for left in home.glob(f"{_MAKING}*"):
        shutil.rmtree(left)
    with TemporaryDirectory(prefix=_MAKING, dir=home) as name:
        fresh = Path(name)
        shutil.copyfile(dagster_home / CONFIGURATION, fresh / CONFIGURATION)
        os.environ["DAGSTER_HOME"] = name
        with dg.DagsterInstance.get() as instance:
            # Each asks another database, which is made when it is first asked.
            instance.get_runs(limit=1)
            instance.get_asset_keys(limit=1)
            instance.all_instigator_state()
        made = sorted(str(path.relative_to(fresh)) for path in fresh.rglob("*.db"))
        for database in made:
            target = dagster_home / database
            if not target.exists() or _is_half_of(target, fresh / database):
                target.parent.mkdir(parents=True, exist_ok=True)
                for beside in target.parent.glob(f"{target.name}-*"):
                    beside.unlink()  # the journal of what is replaced
                (fresh / database).replace(target)
    unfinished = whole.with_name(f"{whole.name}.new")
    unfinished.write_text("\n".join(made), encoding="utf-8")
    unfinished.replace(whole)


def _is_half_of(found: Path, fresh: Path) -> bool:
    """Whether a database lacks something that a fresh one has, and holds nothing yet that anybody would miss."""
    with _reading(found) as half, _reading(fresh) as all_of_it:
        return not _shape(half) >= _shape(all_of_it) and not any(
            half.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()  # noqa: S608 - a name of the database's own
            for (table,) in half.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if table not in _BOOKKEEPING and not table.startswith("sqlite_")
        )


def _shape(database: sqlite3.Connection) -> set[tuple[str, str]]:
    """What is in a database: tables, indexes, and what Dagster has noted as done."""
    found = set(database.execute("SELECT type, name FROM sqlite_master").fetchall())
    for table, column in (("alembic_version", "version_num"), ("secondary_indexes", "name")):
        if ("table", table) in found:
            found |= {(table, value) for (value,) in database.execute(f"SELECT {column} FROM {table}")}  # noqa: S608
    return found


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection
