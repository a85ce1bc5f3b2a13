"""The published tables in an in-process DuckDB, each a view by its name."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import duckdb
from pyarrow.dataset import dataset
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.contracts import CONTRACTS, OPTIONAL, LandedFiles, Quarantine
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


def pinned(lakehouse: Lakehouse) -> dict[str, Table]:
    """Every published table by its name, as it is now; whatever is published later, these stay as they are."""
    return {table.name()[-1]: table for table in lakehouse.tables() if table.current_snapshot() is not None}


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
    together = {
        contract.table(): connection.from_arrow(arrow_schema(contract).empty_table()).project("'' AS feed, *")
        for contract in _OF_FEEDS
    }
    for name, contract in OPTIONAL.items():
        if name not in tables:
            connection.from_arrow(arrow_schema(contract).empty_table()).create_view(name)
    for name, table in tables.items():
        snapshot = _snapshot(table, at)
        if snapshot is None:
            for kind in _views_of(name):
                together.pop(kind, None)
            continue
        rows = _with_new_columns(name, _rows(connection, table, snapshot, lakehouse.storage))
        rows.create_view(name)
        for kind in together.keys() & _views_of(name):
            part = rows.project(f"'{name.removesuffix(f'_{kind}')}' AS feed, *")
            together[kind] = together[kind].union(part)
    for kind, rows in together.items():
        rows.create_view(kind)
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
    words = set(re.findall(r"\w+", statement.lower()))
    for name, table in tables.items():
        if words & {name, *_views_of(name)}:
            snapshot_at(table, at)


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


def _with_new_columns(name: str, rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """With a null for each column that its contract has got since: questions name the columns that there are now."""
    columns = CONTRACTS[name].columns() if name in CONTRACTS else ()
    new = [
        f'CAST(NULL AS {spec.type.simpleString()}) AS "{spec.name}"'
        for spec in columns
        if spec.name not in rows.columns
    ]
    return rows.project(", ".join(["*", *new])) if new else rows


def _rows(
    connection: duckdb.DuckDBPyConnection, table: Table, snapshot: Snapshot, storage: Storage
) -> duckdb.DuckDBPyRelation:
    paths = [file.file_path for file in data_files(table, snapshot.snapshot_id)]
    schema = table.scan(snapshot_id=snapshot.snapshot_id).projection().as_arrow()
    if not paths:
        return connection.from_arrow(schema.empty_table())
    if isinstance(storage, LocalStorage):
        return connection.read_parquet(paths).select(*schema.names)
    # DuckDB would first download an extension that can read S3.
    files = dataset([storage.within(path) for path in paths], filesystem=storage.filesystem, format="parquet")
    return connection.from_arrow(files).select(*schema.names)
