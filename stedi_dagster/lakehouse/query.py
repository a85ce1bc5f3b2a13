"""The published tables in an in-process DuckDB, each a view by its name."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import duckdb
from pyarrow.dataset import dataset
from pyiceberg.table import Table

from stedi_dagster.contracts import Erasures, LandedFiles, Quarantine
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.snapshot import data_files
from stedi_dagster.scratch import scratch_of
from stedi_dagster.storage import Storage
from stedi_dagster.storage.local import LocalStorage

# Of which each feed has a table of its own.
_OF_FEEDS = (Quarantine, LandedFiles)


def pinned(lakehouse: Lakehouse) -> dict[str, Table]:
    """Every published table by its name, as it is now; whatever is published later, these stay as they are."""
    return {table.name()[-1]: table for table in lakehouse.tables() if table.current_snapshot() is not None}


def connect(
    lakehouse: Lakehouse, tables: Mapping[str, Table] | None = None, *, memory_mb: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection in which every published table is a view.

    `quarantine` and `landed_files` are those of all feeds together. Of `erasures` there is a view although nobody was
    erased yet.

    Args:
        lakehouse: where the tables are.
        tables: what `pinned` found; by default what is published now.
        memory_mb: the megabytes that it may use for what it computes; without them four fifths of the machine's.
    """
    # By default it would write what does not fit into the folder in which somebody happens to be.
    config: dict[str, Any] = {"temp_directory": str(scratch_of(lakehouse.home, f"duckdb-{uuid4()}"))}
    if memory_mb is not None:
        config["memory_limit"] = f"{memory_mb}MB"
    connection = duckdb.connect(config=config)
    together = {
        contract.table(): connection.from_arrow(arrow_schema(contract).empty_table()).project("'' AS feed, *")
        for contract in _OF_FEEDS
    }
    connection.from_arrow(arrow_schema(Erasures).empty_table()).create_view(Erasures.table())
    for name, table in (pinned(lakehouse) if tables is None else tables).items():
        rows = _rows(connection, table, lakehouse.storage)
        rows.create_view(name, replace=True)
        for kind, others in list(together.items()):
            if name.endswith(f"_{kind}"):
                together[kind] = others.union(rows.project(f"'{name.removesuffix(f'_{kind}')}' AS feed, *"))
    for kind, rows in together.items():
        rows.create_view(kind)
    return connection


def _rows(connection: duckdb.DuckDBPyConnection, table: Table, storage: Storage) -> duckdb.DuckDBPyRelation:
    paths = [file.file_path for file in data_files(table)]
    schema = table.schema().as_arrow()
    if not paths:
        return connection.from_arrow(schema.empty_table())
    if isinstance(storage, LocalStorage):
        return connection.read_parquet(paths).select(*schema.names)
    # DuckDB would first download an extension that can read S3.
    files = dataset([storage.within(path) for path in paths], filesystem=storage.filesystem, format="parquet")
    return connection.from_arrow(files).select(*schema.names)
