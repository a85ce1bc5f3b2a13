"""What is kept between processes: what is failing since when, alerts still to be sent, and each destination's progress.

A SQLite file in STEDI_HOME. It holds the text of alerts, and of a destination only a digest and a name without secrets.
"""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from stedi_dagster.alerts.ending import Ending, Kind
from stedi_dagster.alerts.message import Change, Message, Tone
from stedi_dagster.errors import StediError
from stedi_dagster.settings.home import make_home

# In STEDI_HOME.
FOLDER = "alerts"
_LOCK_TIMEOUT = 60

# A destination that no process has been given for this long is dropped, with the alerts waiting for it.
GONE_AFTER = 7 * 24 * 3600.0

_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 900.0

_TABLES = """
CREATE TABLE IF NOT EXISTS salt (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS position (kind TEXT PRIMARY KEY, event INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS state (
  kind TEXT, "table" TEXT, "check" TEXT, failed INTEGER, severity TEXT, found TEXT, run_id TEXT, at REAL, event INTEGER,
  since REAL NOT NULL, PRIMARY KEY (kind, "table", "check")
);
CREATE TABLE IF NOT EXISTS alert (
  number INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS destination (
  key TEXT PRIMARY KEY, name TEXT NOT NULL, sent INTEGER NOT NULL, given REAL NOT NULL, failures INTEGER NOT NULL,
  failing_since REAL, next_try REAL NOT NULL, problem TEXT
);
"""
# What later versions added, by the version that the file has afterwards.
_SINCE = {2: "ALTER TABLE alert ADD COLUMN tone TEXT NOT NULL DEFAULT 'info';"}
_STATE = ", ".join(f'"{field.name}"' for field in fields(Ending))


@dataclass(frozen=True)
class Waiting:
    """The state of a destination."""

    key: str
    name: str
    alerts: int
    failures: int
    failing_since: float | None
    next_try: float
    problem: str | None


class Outbox:
    """The file, open for one thread."""

    def __init__(self, home: Path) -> None:
        make_home(home)
        folder = home / FOLDER
        folder.mkdir(exist_ok=True)
        self._connection = sqlite3.connect(folder / "outbox.db", timeout=_LOCK_TIMEOUT, isolation_level=None)
        if self._value("PRAGMA user_version") < max(_SINCE):
            with self.exclusively():
                self._create_tables()

    def _create_tables(self) -> None:
        """Create the tables and columns that are missing; the second of two processes finds nothing to do."""
        version = self._value("PRAGMA user_version")
        statements = [] if version else [_TABLES]
        statements += [change for since, change in _SINCE.items() if version < since]
        for statement in filter(None, (part.strip() for part in "".join(statements).split(";"))):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {max(_SINCE)}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """A transaction, during which nobody else writes."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # ---- Which of Dagster's events were read ------------------------------------------------------------------------

    def positions(self) -> dict[str, int]:
        """The last event read, by kind; empty if none was ever read."""
        return dict(self._connection.execute("SELECT kind, event FROM position"))

    def move(self, positions: Mapping[str, int]) -> None:
        """Record the last events read."""
        self._connection.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", positions.items())

    # ---- What is failing --------------------------------------------------------------------------------------------

    def last(self, ending: Ending) -> Change | None:
        """The last ending about the same thing, with the time since when it has been failing."""
        found = self._changes('WHERE kind = ? AND "table" = ? AND "check" = ?', ending.kind, ending.table, ending.check)
        return found[0] if found else None

    def failing(self) -> list[Change]:
        """Everything that is failing, the oldest failure first."""
        return self._changes("WHERE failed ORDER BY since, event")

    def keep(self, change: Change) -> None:
        """Record the last ending."""
        values = (*astuple(change.ending), change.since)
        self._connection.execute(
            f"INSERT OR REPLACE INTO state ({_STATE}, since) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
            values,
        )

    def _changes(self, where: str, *values: str) -> list[Change]:
        rows = self._connection.execute(f"SELECT {_STATE}, since FROM state {where}", values)  # noqa: S608
        return [
            Change(Ending(Kind(kind), table, check, bool(failed), *rest), since)
            for kind, table, check, failed, *rest, since in rows
        ]

    # ---- What is to be sent -----------------------------------------------------------------------------------------

    def put(self, messages: Iterable[Message]) -> None:
        """Store alerts until every destination has them."""
        rows = [(message.subject, message.body, message.tone, time.time()) for message in messages]
        self._connection.executemany("INSERT INTO alert (subject, body, tone, at) VALUES (?, ?, ?, ?)", rows)

    def key_of(self, address: str) -> str:
        """A destination's digest, from which its secrets cannot be guessed quickly."""
        with self.exclusively():
            salt = self._value("SELECT value FROM salt")
            if salt is None:
                salt = secrets.token_bytes(16)
                self._connection.execute("INSERT INTO salt VALUES (?)", (salt,))
        return hashlib.scrypt(address.encode(), salt=salt, n=2**13, r=8, p=1, dklen=16).hex()

    def register(self, names: Mapping[str, str]) -> list[Waiting]:
        """Record which destinations this process was given; return those that are dropped for good.

        A new one gets all alerts from now on, and those waiting for a destination that is no longer given, which it may
        replace (a URL with a new token, say).

        Args:
            names: by key.
        """
        now = time.time()
        with self.exclusively():
            gone = [
                waiting
                for waiting in self.waiting()
                if waiting.key not in names and self._given(waiting.key) < now - GONE_AFTER
            ]
            self._connection.executemany("DELETE FROM destination WHERE key = ?", [(waiting.key,) for waiting in gone])
            marks = ", ".join("?" * len(names))
            start = self._value(f"SELECT min(sent) FROM destination WHERE key NOT IN ({marks})", *names)  # noqa: S608
            if start is None:
                start = self._value("SELECT seq FROM sqlite_sequence WHERE name = 'alert'") or 0
            if not self._value("SELECT count(*) FROM destination"):
                # Nobody has been listening: past failures that recovered are history, present ones are not.
                self._connection.execute("DELETE FROM position")
                self._connection.execute("DELETE FROM state")
            for key, name in names.items():
                self._connection.execute(
                    "INSERT INTO destination VALUES (?, ?, ?, ?, 0, NULL, 0, NULL) "
                    "ON CONFLICT (key) DO UPDATE SET name = excluded.name, given = excluded.given",
                    (key, name, start, now),
                )
            self._connection.execute("DELETE FROM alert WHERE number <= (SELECT min(sent) FROM destination)")
        return gone

    def waiting(self) -> list[Waiting]:
        """Every destination, with the number of alerts waiting for it."""
        rows = self._connection.execute(
            "SELECT key, name, (SELECT count(*) FROM alert WHERE number > sent), failures, failing_since, next_try, "
            "problem FROM destination ORDER BY name"
        )
        return [Waiting(*row) for row in rows]

    def next_for(self, key: str) -> tuple[int, Message] | None:
        """The next alert for a destination, with its number."""
        row = self._connection.execute(
            "SELECT number, subject, body, tone FROM alert "
            "WHERE number > (SELECT sent FROM destination WHERE key = ?) ORDER BY number",
            (key,),
        ).fetchone()
        return None if row is None else (row[0], Message(row[1], row[2], Tone(row[3])))

    def next_try(self, key: str) -> float:
        """When a destination may be tried again."""
        return float(self._value("SELECT next_try FROM destination WHERE key = ?", key) or 0)

    def note_sent(self, key: str, number: int) -> None:
        """Record that a destination accepted an alert, and so works."""
        self._connection.execute(
            "UPDATE destination SET sent = ?, failures = 0, failing_since = NULL, next_try = 0, problem = NULL "
            "WHERE key = ?",
            (number, key),
        )

    def note_refused(self, key: str, problem: str) -> None:
        """Record that a destination did not accept an alert; it is tried again after a growing pause."""
        now = time.time()
        failures = int(self._value("SELECT failures FROM destination WHERE key = ?", key) or 0) + 1
        pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
        self._connection.execute(
            "UPDATE destination SET failures = ?, failing_since = coalesce(failing_since, ?), next_try = ?, "
            "problem = ? WHERE key = ?",
            (failures, now, now + pause, problem, key),
        )

    def _given(self, key: str) -> float:
        return float(self._value("SELECT given FROM destination WHERE key = ?", key) or 0)

    def _value(self, query: str, *values: str) -> Any:
        row = self._connection.execute(query, values).fetchone()
        return row[0] if row else None


@contextmanager
def open_outbox(home: Path) -> Iterator[Outbox]:
    """The outbox of a STEDI_HOME.

    Raises:
        StediError: its file cannot be used.
    """
    try:
        with closing(Outbox(home)) as outbox:
            yield outbox
    except sqlite3.Error as error:
        raise StediError(
            f"The alerts in {home / FOLDER} cannot be read or written ({type(error).__name__}): check the disk. If the "
            "file is damaged, remove the folder: alerts about whatever is failing are then sent again."
        ) from None
