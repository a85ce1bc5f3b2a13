"""A look at a landing zone with DuckDB, and at its bytes; nothing here knows how it was made."""

from pathlib import Path

import duckdb

from stedi_dagster.sample import FEEDS


def open_in_duckdb(landing: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with a table for each feed, and views of what consenting people own."""
    connection = duckdb.connect()
    for feed in FEEDS:
        connection.execute(
            f"create table {feed} as select * from "
            f"read_json('{landing}/{feed}/landing/*.json', format = 'newline_delimited')"
        )
    connection.execute("""
        create view trusted as select * from customer where shareWithResearchAsOfDate is not null;
        create view moves as
            select a.*, t.email, t.shareWithResearchAsOfDate as since
            from accelerometer a join trusted t on a.user = t.email;
        create view steps as
            select s.*, t.email, t.shareWithResearchAsOfDate as since
            from step_trainer s join trusted t using (serialNumber);
    """)
    return connection


def one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)


def contents(landing: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*") if path.is_file()}
