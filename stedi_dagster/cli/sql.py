"""`stedi sql`."""

from pathlib import Path

import duckdb

from stedi_dagster.cli.tables import open_lakehouse, rows_of, show
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.query import connect


def run_query(query: str, *, as_json: bool) -> None:
    """Run a query, or the query in a file, and print its rows.

    Raises:
        StediError: DuckDB refuses the query.
    """
    text = Path(query).read_text(encoding="utf-8") if _is_file(query) else query
    with connect(open_lakehouse()) as connection:
        try:
            relation = connection.sql(text)
            rows = rows_of(relation) if relation is not None else []
            columns = relation.columns if relation is not None else []
        except duckdb.Error as error:
            raise StediError(f"The query failed: {error}") from None
    show(rows, as_json=as_json, columns=columns)


def _is_file(query: str) -> bool:
    try:
        return Path(query).is_file()
    except OSError:  # a query may be longer than a file name can be
        return False
