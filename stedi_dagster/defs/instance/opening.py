"""Opens the Dagster instance of STEDI_HOME, which `stedi run` and the UI share."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import dagster as dg
from filelock import FileLock

from stedi_dagster.defs.instance.databases import database_errors
from stedi_dagster.defs.instance.home import prepare
from stedi_dagster.defs.instance.lost_runs import record_lost
from stedi_dagster.settings import Settings
from stedi_dagster.settings.home import make_home


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance, create it if missing, and point this process and its children to it.

    One process at a time: if two create Dagster's databases at once, one fails.

    Raises:
        SettingsError: the home cannot be written.
        StorageError: one of Dagster's databases is damaged, locked, or cannot be written.
    """
    home, dagster_home = settings.home, settings.dagster_home
    make_home(home)
    if settings.compute_logs is not None:
        from stedi_dagster import aws

        aws.prepare()  # dagster-aws creates its own session
    with database_errors(dagster_home), ExitStack() as closing_later:
        with FileLock(home / "dagster.lock"):
            prepare(dagster_home, settings.compute_logs)
            instance = closing_later.enter_context(dg.DagsterInstance.get())
        for database in dagster_home.rglob("*.db"):
            _keep_open(closing_later.enter_context(closing(sqlite3.connect(database))))
        record_lost(instance, home)
        yield instance


def _keep_open(connection: sqlite3.Connection) -> None:
    # Dagster connects for each event, and after the last connection closes, SQLite moves its journal into the database.
    # With a connection that stays open, a run over unchanged tables takes a tenth less time.
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
