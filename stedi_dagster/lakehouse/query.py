"""The published tables in an in-process DuckDB, each a view by its name."""

from collections.abc import Iterator

import duckdb
from pyiceberg.table import Table
from pyiceberg.types import BooleanType, DoubleType, LongType, PrimitiveType, StringType

from stedi_dagster.lakehouse.lakehouse import NAMESPACE, RESTRICTED, Lakehouse

_DUCKDB: dict[PrimitiveType, str] = {
    StringType(): "VARCHAR",
    LongType(): "BIGINT",
    DoubleType(): "DOUBLE",
    BooleanType(): "BOOLEAN",
}
_QUARANTINE = "_quarantine"


def published(lakehouse: Lakehouse, namespace: str) -> Iterator[Table]:
    """The tables of a namespace that have a snapshot, by name."""
    for identifier in sorted(lakehouse.catalog.list_tables(namespace)):
        table = lakehouse.catalog.load_table(identifier)
        if table.current_snapshot() is not None:
            yield table


def connect(lakehouse: Lakehouse) -> duckdb.DuckDBPyConnection:
    """A connection in which every published table is a view, and `quarantine` all feeds' quarantines together."""
    connection = duckdb.connect()
    quarantines = []
    for namespace in (NAMESPACE, RESTRICTED):
        for table in published(lakehouse, namespace):
            name = table.name()[-1]
            connection.execute(f'CREATE VIEW "{name}" AS {_rows(table)}')
            if name.endswith(_QUARANTINE):
                quarantines.append(name)
    if quarantines:
        parts = [f"SELECT '{name.removesuffix(_QUARANTINE)}' AS feed, * FROM \"{name}\"" for name in quarantines]
        connection.execute(f"CREATE VIEW quarantine AS {' UNION ALL '.join(parts)}")
    return connection


def _rows(table: Table) -> str:
    paths = [task.file.file_path for task in table.scan().plan_files()]
    columns = [(f'"{field.name}"', _DUCKDB[field.field_type]) for field in table.schema().fields]  # type: ignore[index]
    if not paths:
        nulls = ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns)
        return f"SELECT {nulls} WHERE false"
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"SELECT {', '.join(name for name, _ in columns)} FROM read_parquet([{files}])"
