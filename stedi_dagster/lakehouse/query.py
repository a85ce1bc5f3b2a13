"""The published tables in an in-process DuckDB, each a view by its name."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import duckdb
from pyarrow.dataset import dataset
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.contracts import CONTRACTS, OPTIONAL, Column, Contract, LandedFiles, Quarantine
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.manifests import data_files
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.travel import snapshot_at
from stedi_dagster.scratch import scratch_of
from stedi_dagster.storage import Storage
from stedi_dagster.storage.local import LocalStorage

# Of which each feed has a table of its own.
_OF_FEEDS = (Quarantine, LandedFiles)
_ASKS_FOR_TABLES = re.compile(r"\b(show|information_schema)\b", re.IGNORECASE)


def pinned(lakehouse: Lakehouse, statement: str | None = None) -> dict[str, Table]:
    """Every published table by its name, as it is now; whatever is published later, these stay as they are.

    Args:
        lakehouse: where the tables are.
        statement: in DuckDB's SQL; only the tables that it needs. One that asks which tables there are needs them all.
    """
    wanted = None if statement is None or _ASKS_FOR_TABLES.search(statement) else _named_in(statement)
    return {table.name()[-1]: table for table in lakehouse.tables(wanted) if table.current_snapshot() is not None}


def connect(
    lakehouse: Lakehouse,
    tables: Mapping[str, Table] | None = None,
    *,
    at: datetime | None = None,
    memory_mb: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection in which every published table is a view.

    `quarantine` and `landed_files` are those of all feeds together. Of `erasures` and of releases there are views
    before anybody was erased or any release made.

    Args:
        lakehouse: where the tables are.
        tables: what `pinned` found; by default what is published now.
        at: show each as it was at this moment (with a time zone). A table whose history does not reach back to it has
            no view: see `refuse_unreached`.
        memory_mb: the megabytes that it may use for what it computes; without them four fifths of the machine's.
    """
    tables = pinned(lakehouse) if tables is None else tables
    # By default it would write what does not fit into the folder in which somebody happens to be.
    config: dict[str, Any] = {"temp_directory": str(scratch_of(lakehouse.home, f"duckdb-{uuid4()}"))}
    if memory_mb is not None:
        config["memory_limit"] = f"{memory_mb}MB"
    connection = duckdb.connect(config=config)
    together = {contract.table(): _feeds_of_nothing(contract) for contract in _OF_FEEDS}
    for name, contract in OPTIONAL.items():
        if name not in tables:
            connection.from_arrow(arrow_schema(contract).empty_table()).create_view(name)
    for name, table in tables.items():
        snapshot = _snapshot(table, at)
        if snapshot is None:
            for kind in _views_of(name):
                together.pop(kind, None)
            continue
        _create_view(connection, name, table, snapshot, lakehouse.storage)
        for kind in together.keys() & _views_of(name):
            feed = _text(name.removesuffix(f"_{kind}"))
            together[kind].append(f"SELECT {feed} AS feed, * FROM {_name(name)}")  # noqa: S608 - both are quoted
    for kind, parts in together.items():
        connection.execute(f"CREATE VIEW {kind} AS {' UNION ALL '.join(parts)}")
    return connection


def refuse_unreached(statement: str, tables: Mapping[str, Table], at: datetime) -> None:
    """Refuse a statement for which a connection of a moment has no view, where a table's history is why.

    Args:
        statement: in DuckDB's SQL.
        tables: what `pinned` found.
        at: the moment, with a time zone.

    Raises:
        StediError: the history of a table that it names does not reach back to that moment; the message says how far.
    """
    named = _named_in(statement)
    for name, table in tables.items():
        if named(name):
            snapshot_at(table, at)


def _named_in(statement: str) -> Callable[[str], bool]:
    """Whether a statement may name a table, or a view of all feeds together that it is a part of."""
    words = set(re.findall(r"\w+", statement.lower()))
    return lambda table: bool(words & {table, *_views_of(table)})


def _views_of(name: str) -> set[str]:
    """The views of all feeds together that a table is a part of."""
    return {contract.table() for contract in _OF_FEEDS if name.endswith(f"_{contract.table()}")}


def _snapshot(table: Table, at: datetime | None) -> Snapshot | None:
    if at is None:
        return table.current_snapshot()
    try:
        return snapshot_at(table, at)
    except StediError:
        return None


def _feeds_of_nothing(contract: type[Contract]) -> list[str]:
    """What a view of all feeds together has where no feed has a table: no row."""
    columns = ", ".join(_null(spec) for spec in contract.columns())
    return [f"SELECT '' AS feed, {columns} WHERE false"]


def _null(column: Column) -> str:
    return f"CAST(NULL AS {column.type.simpleString()}) AS {_name(column.name)}"


def _name(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _text(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


def _create_view(
    connection: duckdb.DuckDBPyConnection, name: str, table: Table, snapshot: Snapshot, storage: Storage
) -> None:
    paths = [file.file_path for file in data_files(table, snapshot.snapshot_id)]
    schema = table.scan(snapshot_id=snapshot.snapshot_id).projection().as_arrow()
    # A null for each column that its contract has got since: questions name the columns that there are now.
    new = [spec for spec in (CONTRACTS[name].columns() if name in CONTRACTS else ()) if spec.name not in schema.names]
    columns = ", ".join([*map(_name, schema.names), *map(_null, new)])
    if not paths:
        connection.from_arrow(schema.empty_table()).project(columns).create_view(name)
    elif isinstance(storage, LocalStorage):
        # In one statement: with a relation for each step DuckDB would open the first of the files for each.
        files = ", ".join(map(_text, paths))
        connection.execute(f"CREATE VIEW {_name(name)} AS SELECT {columns} FROM read_parquet([{files}])")  # noqa: S608
    else:
        # DuckDB would first download an extension that can read S3.
        objects = dataset([storage.within(path) for path in paths], filesystem=storage.filesystem, format="parquet")
        connection.from_arrow(objects).project(columns).create_view(name)
