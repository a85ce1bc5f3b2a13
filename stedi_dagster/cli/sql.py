"""`stedi sql`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb

from stedi_dagster.cli.tables import open_lakehouse, rows_of, show
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.query import connect
from stedi_dagster.settings import Settings

World = Literal["local", "athena"]
# The columns' names, which are there without any row, and the rows.
Result = tuple[list[str], list[dict[str, Any]]]


def run_query(query: str, *, on: World = "local", parameters: Sequence[str] = (), as_json: bool) -> None:
    """Run a query, or the query in a file, and print its rows.

    A file is in Athena's dialect, wherever it runs; a query that is typed is in the dialect of where it runs.

    Raises:
        StediError: the query, or a parameter, is refused.
    """
    if on == "athena":
        columns, rows = _run_on_athena(query, parameters)
    elif _is_file(query):
        columns, rows = _run_here(_translated(query, parameters))
    elif parameters:
        raise StediError("A parameter is for a file, or for Athena: a typed query can hold its values itself.")
    else:
        columns, rows = _run_here(query)
    show(rows, as_json=as_json, columns=columns)


def _run_here(text: str) -> Result:
    with connect(open_lakehouse()) as connection:
        try:
            relation = connection.sql(text)
            return (relation.columns, rows_of(relation)) if relation is not None else ([], [])
        except duckdb.Error as error:
            raise StediError(f"The query failed: {error}") from None


def _translated(file: str, parameters: Sequence[str]) -> str:
    # Imported only where they are needed: parsing takes sqlglot, and that takes a while to load.
    from stedi_dagster.sql import texts
    from stedi_dagster.sql.parameters import given

    tree = texts.parse(_read(file), name=file)
    return texts.said_locally(tree, Settings.load(), given(parameters))


def _run_on_athena(query: str, parameters: Sequence[str]) -> Result:
    from sqlglot import exp

    from stedi_dagster.sql import texts
    from stedi_dagster.sql.athena import run_on_athena
    from stedi_dagster.sql.parameters import given

    settings = Settings.load()
    tree = texts.parse(_read(query), name=query) if _is_file(query) else texts.parse(query)
    text = texts.said_on_athena(tree, settings, given(parameters))
    return run_on_athena(text, settings, query=isinstance(tree, exp.Query))


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StediError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.") from None


def _is_file(query: str) -> bool:
    try:
        return Path(query).is_file()
    except (OSError, ValueError):  # a query may be longer than a file name can be
        return False
