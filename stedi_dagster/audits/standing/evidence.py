"""What audits look at: the published tables, pinned at one moment, in one DuckDB for all of them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from pyiceberg.table import Table

from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import OPTIONAL
from stedi_dagster.errors import StediError, StorageError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.query import connect, pinned
from stedi_dagster.settings import Settings
from stedi_dagster.sql import texts
from stedi_dagster.sql.library import VERIFY
from stedi_dagster.storage import storage_errors


@dataclass(frozen=True)
class Evidence:
    """The published tables by name, a connection in which they are views, and the rules they are judged by."""

    settings: Settings
    lakehouse: Lakehouse
    tables: Mapping[str, Table]
    now_ms: int
    _closing: ExitStack
    _shared: set[str] = field(default_factory=set)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB, opened when it is first needed: an audit that does not ask it runs whatever it cannot read.

        Raises:
            StorageError: a file is damaged or gone.
        """
        opened = self._closing.enter_context(_connected(self.settings, self.lakehouse, self.tables))
        # In whatever order rows come: keeping it would take half as long again.
        opened.execute("SET preserve_insertion_order = false")
        return opened

    @property
    def snapshots(self) -> dict[str, int]:
        """What is current of each table."""
        current = {name: table.current_snapshot() for name, table in self.tables.items()}
        return {name: snapshot.snapshot_id for name, snapshot in current.items() if snapshot is not None}

    def answer(self, question: str) -> list[Finding]:
        """What a file of `sql/verify/` finds; raises what `ask` does."""
        return [Finding(table, problem, int(rows)) for table, problem, rows in self.ask(VERIFY / f"{question}.sql")]

    def ask(self, file: Path) -> list[tuple[Any, ...]]:
        """The rows of a file of `sql/`.

        Raises:
            StediError: a table that it asks about is not published.
            duckdb.Error: DuckDB could not read it.
        """
        return self.ask_text(file.read_text(encoding="utf-8"), name=file.stem)

    def ask_text(self, query: str, *, name: str) -> list[tuple[Any, ...]]:
        """The rows of a query in the dialect of the files of `sql/`; raises what `ask` does.

        Args:
            query: the query.
            name: what to call it in errors.
        """
        question = texts.question(query, name=name)
        views = texts.needed_views(question.tables, known=texts.LOCAL_VIEWS)
        asked = {*question.tables, *(name for view in views.values() for name in view.tables)}
        missing = sorted(asked - views.keys() - self.tables.keys() - texts.LOCAL_VIEWS - OPTIONAL.keys())
        if missing:
            raise StediError(f"{', '.join(missing)} is not published yet: run `stedi run`.")
        for named, view in views.items():
            # Computed once for all audits: it is most of their work.
            if named not in self._shared:
                rows = texts.question_for_duckdb(view, self.settings, known=frozenset(self._shared))
                self.connection.execute(f'CREATE TEMP TABLE "{named}" AS {rows}')
                self._shared.add(named)
        text = texts.question_for_duckdb(question, self.settings, known=frozenset(self._shared))
        return self.connection.execute(text).fetchall()


@contextmanager
def evidence_of(
    settings: Settings, lakehouse: Lakehouse, *, consistent_read: AbstractContextManager[None]
) -> Iterator[Evidence]:
    """The evidence, read once.

    Args:
        settings: the rules in force.
        lakehouse: where the tables are.
        consistent_read: entered while the catalog is read, so that no run publishes half of its tables meanwhile.

    Raises:
        BusyError: a run went on for too long.
        StediError: nothing is published, or the tables cannot be read.
    """
    with storage_errors("reading the tables", outcome=""):
        with consistent_read:
            tables = pinned(lakehouse)
        if not tables:
            raise StediError("Nothing is published yet: run `stedi run`, or set STEDI_HOME.")
    with ExitStack() as closing:
        yield Evidence(settings, lakehouse, tables, time.time_ns() // 1_000_000, closing)


def _connected(settings: Settings, lakehouse: Lakehouse, tables: Mapping[str, Table]) -> duckdb.DuckDBPyConnection:
    try:
        return connect(lakehouse, tables, memory_mb=settings.memory)
    except duckdb.Error as error:
        raise unreadable(error) from None


def unreadable(error: duckdb.Error) -> StorageError:
    """What DuckDB could not read, without its own words: they may quote a value."""
    return StorageError(
        f"The tables cannot be read ({type(error).__name__}): a file that the catalog names is damaged or gone. "
        "The audit `files` says of which table, and what mends it."
    )
