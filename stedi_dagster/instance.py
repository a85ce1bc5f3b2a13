"""The Dagster instance of STEDI_HOME: the same one for `stedi run` and for the UI."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock

from stedi_dagster.dagster_databases import database_errors
from stedi_dagster.dagster_home import prepare
from stedi_dagster.errors import SettingsError
from stedi_dagster.lost_runs import record_lost
from stedi_dagster.settings import Settings


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


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance, made where it is missing, and point this process and its children at it.

    One process at a time: of two that make Dagster's databases at once, one fails.

    Raises:
        SettingsError: the home cannot be written.
        StorageError: one of Dagster's databases is damaged, locked, or cannot be written.
    """
    home, dagster_home = settings.home, settings.dagster_home
    make_home(home)
    if settings.compute_logs is not None:
        from stedi_dagster import aws

        aws.prepare()  # dagster-aws makes a session of its own
    with database_errors(dagster_home), ExitStack() as closing_later:
        with FileLock(home / "dagster.lock"):
            prepare(dagster_home, settings.compute_logs)
            instance = closing_later.enter_context(dg.DagsterInstance.get())
        for database in dagster_home.rglob("*.db"):
            _keep_open(closing_later.enter_context(closing(sqlite3.connect(database))))
        record_lost(instance, home)
        yield instance


def _keep_open(connection: sqlite3.Connection) -> None:
    # Dagster connects for each event, and whenever nobody is connected any more, SQLite moves its journal into the
    # database: with one connection that stays, a run of unchanged tables takes a tenth less.
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
