"""Reports problems with Dagster's databases in a sentence that names the file. Nothing is deleted or repaired here."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import exc

from stedi_dagster.errors import StorageError

_WHOLE = "No table is lost or half published."
# SQLite's usual wording: `quick_check` itself names pages, over several lines.
_MALFORMED = "database disk image is malformed"


@contextmanager
def database_errors(dagster_home: Path) -> Iterator[None]:
    """Turn SQLite's error about one of the databases into one sentence.

    Args:
        dagster_home: the folder that holds them.

    Raises:
        StorageError: a database is damaged, locked, or cannot be written.
    """
    try:
        yield
    except (sqlite3.DatabaseError, exc.DatabaseError) as error:
        # Neither error says which file it was.
        for path in sorted(dagster_home.rglob("*.db")):
            if (problem := _problem(path)) is not None:
                raise StorageError(problem) from None
        original = error.orig if isinstance(error, exc.DatabaseError) else error
        raise StorageError(
            f"A database below {dagster_home.parent} could not be used: {original}. {_WHOLE} Run it again."
        ) from None


def _problem(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return _damaged(path, _MALFORMED)
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                return _damaged(path, "it is empty")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return (
            f"Dagster's database {path} cannot be used now: {error}. {_WHOLE} End the program that holds it, make room "
            "on its disk, or let this user write it, and run it again."
        )
    except sqlite3.DatabaseError as error:
        return _damaged(path, str(error))
    return None


def _damaged(path: Path, found: str) -> str:
    return (
        f"Dagster's database {path} is damaged: {found}. {_WHOLE} Bring it back from a backup; or move it away, and "
        "the next command makes an empty one, which knows nothing of earlier runs."
    )
