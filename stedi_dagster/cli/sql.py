"""`stedi sql`: runs a query in DuckDB or on Athena and prints its rows."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from stedi_dagster.cli.grid import rows_of, show
from stedi_dagster.cli.tables import open_lakehouse
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.query import connect, pinned, refuse_unreached
from stedi_dagster.lakehouse.travel import moment_of
from stedi_dagster.settings import Settings

World = Literal["local", "athena"]
# The columns' names, known even without rows, and the rows.
Result = tuple[list[str], list[dict[str, Any]]]


def run_query(
    query: str, *, on: World = "local", parameters: Sequence[str] = (), at: str | None = None, as_json: bool
) -> None:
    """Run a query, or the query in a file, and print its rows.

    A file is in Athena's dialect, wherever it runs; a typed query is in the dialect of the engine that runs it.

    Raises:
        StediError: the query, or a parameter, is refused.
    """
    if not _is_file(query) and _is_path(query):
        kind = "a folder" if Path(query).is_dir() else "no such file"
        raise StediError(f"{query} is {kind}: give a query in quotes, or a file that holds one.")
    moment = None if at is None else moment_of(at)
    if on == "athena":
        if moment:
            raise StediError(
                "--at is for the tables of this machine. On Athena, say it in the query: FROM customer_trusted FOR "
                "TIMESTAMP AS OF TIMESTAMP '2026-01-31 12:00:00 UTC'."
            )
        results: Iterable[Result] = [_run_on_athena(query, parameters)]
    elif _is_file(query):
        results = _run_here(_translated(query, parameters), at=moment, as_json=as_json)
    elif parameters:
        raise StediError("Parameters are for files, and for Athena: a typed query can hold its values itself.")
    else:
        results = _run_here(query, at=moment, as_json=as_json)
    for number, (columns, rows) in enumerate(results):
        if number:
            sys.stdout.write("\n")
        show(rows, as_json=as_json, columns=columns)


def _run_here(text: str, *, at: datetime | None, as_json: bool) -> Iterator[Result]:
    """The results of all statements in a text that return rows."""
    lakehouse = open_lakehouse()
    tables = pinned(lakehouse)
    with connect(lakehouse, tables, at=at, memory_mb=Settings.load().memory) as connection:
        try:
            statements = connection.extract_statements(text)
            if not statements:
                raise StediError("The query is empty: it holds no statement.")
            if as_json and len(statements) > 1:
                raise StediError(
                    f"The query holds {len(statements)} statements, and --json prints the rows of only one: run one at "
                    "a time."
                )
            for statement in statements:
                try:
                    relation = connection.sql(statement)
                except duckdb.CatalogException:
                    if at:
                        refuse_unreached(statement.query, tables, at)
                    raise
                changes = duckdb.ExpectedResultType.CHANGED_ROWS in statement.expected_result_type
                # The number of changed rows means nothing: a statement cannot change published tables, only its own.
                if relation is not None and not (changes and relation.columns == ["Count"]):
                    yield relation.columns, rows_of(relation)
        except duckdb.Error as error:
            raise StediError(f"The query failed: {error}") from None


def _translated(file: str, parameters: Sequence[str]) -> str:
    # Imported only when needed: parsing needs sqlglot, which takes a while to load.
    from stedi_dagster.sql import texts
    from stedi_dagster.sql.parameters import given

    tree = texts.parse(_read(file), name=file)
    return texts.render_for_duckdb(tree, Settings.load(), given(parameters))


def _run_on_athena(query: str, parameters: Sequence[str]) -> Result:
    from sqlglot import exp

    from stedi_dagster.defs.athena import run_on_athena
    from stedi_dagster.sql import texts
    from stedi_dagster.sql.parameters import given

    settings = Settings.load()
    tree = texts.parse(_read(query), name=query) if _is_file(query) else texts.parse(query)
    text = texts.render_for_athena(tree, settings, given(parameters))
    return run_on_athena(text, settings, query=isinstance(tree, exp.Query))


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StediError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.") from None


def _is_path(query: str) -> bool:
    """Whether a text that is not a file was meant to be one: it looks like a path and cannot be a query."""
    text = query.strip()
    one_word = not any(char.isspace() for char in text)
    return "\n" not in text and (text.lower().endswith(".sql") or (one_word and os.sep in text))


def _is_file(query: str) -> bool:
    try:
        return Path(query).is_file()
    except (OSError, ValueError):  # a query may be too long for a file name
        return False
