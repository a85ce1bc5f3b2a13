"""The published tables in an in-process DuckDB, each a view by its name."""

from collections.abc import Mapping
from datetime import datetime

import duckdb
from pyarrow.dataset import dataset
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.contracts import Erasures, LandedFiles, Quarantine
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.manifests import data_files
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.travel import snapshot_at
from stedi_dagster.storage import Storage
from stedi_dagster.storage.local import LocalStorage

# Of which each feed has a table of its own.
_OF_FEEDS = (Quarantine, LandedFiles)


def pinned(lakehouse: Lakehouse) -> dict[str, Table]:
    """Every published table by its name, as it is now; whatever is published later, these stay as they are."""
    return {table.name()[-1]: table for table in lakehouse.tables() if table.current_snapshot() is not None}


def connect(
    lakehouse: Lakehouse, tables: Mapping[str, Table] | None = None, *, at: datetime | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection in which every published table is a view.

    `quarantine` and `landed_files` are those of all feeds together. Of `erasures` there is a view although nobody was
    erased yet.

    Args:
        lakehouse: where the tables are.
        tables: what `pinned` found; by default what is published now.
        at: show each as it was at this moment (with a time zone). There is no view of a table whose history does not
            reach back to it: see `refuse_unreached`.
    """
    connection = duckdb.connect()
    together = {
        contract.table(): connection.from_arrow(arrow_schema(contract).empty_table()).project("'' AS feed, *")
        for contract in _OF_FEEDS
    }
    connection.from_arrow(arrow_schema(Erasures).empty_table()).create_view(Erasures.table())
    for name, table in (pinned(lakehouse) if tables is None else tables).items():
        snapshot = _snapshot(table, at)
        if snapshot is None:
            continue
        rows = _rows(connection, table, snapshot, lakehouse.storage)
        rows.create_view(name, replace=True)
        for kind, others in list(together.items()):
            if name.endswith(f"_{kind}"):
                together[kind] = others.union(rows.project(f"'{name.removesuffix(f'_{kind}')}' AS feed, *"))
    for kind, rows in together.items():
        rows.create_view(kind)
    return connection


def refuse_unreached(
    connection: duckdb.DuckDBPyConnection, statement: str, tables: Mapping[str, Table], at: datetime
) -> None:
    """Refuse a statement that names a table whose history does not reach back to a moment.

    Args:
        connection: one of that moment.
        statement: in DuckDB's SQL.
        tables: what `pinned` found.
        at: the moment, with a time zone.

    Raises:
        StediError: it names one; the message says how far back the table's history reaches.
    """
    named = {name.lower() for name in connection.get_table_names(statement)}
    together = tuple(f"_{contract.table()}" for contract in _OF_FEEDS if contract.table() in named)
    for name, table in tables.items():
        if name in named or name.endswith(together):
            snapshot_at(table, at)


def _snapshot(table: Table, at: datetime | None) -> Snapshot | None:
    if at is None:
        return table.current_snapshot()
    try:
        return snapshot_at(table, at)
    except StediError:
        return None


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
