"""One table, or a part of it, at one snapshot: what it holds, and the ways to work with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from stedi_dagster.data.parts import PARTICIPANT, Rows, known_part, rows_in
from stedi_dagster.errors import StediError
from stedi_dagster.split import DEFAULT_SHARES, Shares

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import torch
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import DataScan, Table
    from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True)
class Column:
    """What a table's schema says of a column.

    Attributes:
        name: as it stands in the table.
        type: Iceberg's: `string`, `long`, `double` or `boolean`. Every column may be null.
        unit: of a measurement; None where it has none.
        meaning: in one line.
    """

    name: str
    type: str
    unit: str | None
    meaning: str


class Reading:
    """Rows of one table at one snapshot; they are read when they are asked for, and each time anew.

    Only the chosen columns are read, and only from files that can hold a chosen row.
    """

    def __init__(
        self,
        table: "Table",
        snapshot: "Snapshot",
        *,
        columns: Sequence[str] | None = None,
        where: "str | BooleanExpression | None" = None,
        part: str | None = None,
        shares: Shares = DEFAULT_SHARES,
    ) -> None:
        """See `Tables.table`.

        Args:
            table: as the catalog has it.
            snapshot: one of its snapshots.
            columns: those to read, in this order; by default all.
            where: which rows.
            part: of which people; by default of all.
            shares: how many people are in each part.

        Raises:
            StediError: the table has no such column, or the filter or the part is refused.
        """
        from stedi_dagster.data.filters import row_filter
        from stedi_dagster.wording import without_unit

        self.table_name = table.name()[-1]
        self.snapshot_id = snapshot.snapshot_id
        self._table, self._snapshot = table, snapshot
        # As the columns were at that snapshot.
        known = table.scan(snapshot_id=snapshot.snapshot_id).projection()
        self._filter = row_filter(where, known, self.table_name)
        everything = {}
        for field in known.fields:
            meaning, unit = without_unit(field.doc or "")
            everything[field.name] = Column(field.name, str(field.field_type), unit, meaning)
        self._columns = self._chosen(columns, everything)
        self._part = None if part is None else known_part(part, list(everything), self.table_name)
        self._shares = shares
        self.schema: dict[str, Column] = {name: everything[name] for name in self._columns}

    def __repr__(self) -> str:
        made = self.made_at.isoformat(timespec="milliseconds")
        return f"<Reading of {self.table_name}: snapshot {self.snapshot_id}, made {made}>"

    @property
    def made_at(self) -> datetime:
        """When its snapshot was made, in UTC."""
        from stedi_dagster.lakehouse.travel import committed_at

        return committed_at(self._snapshot)

    @cached_property
    def rows(self) -> int:
        """How many rows it has; with a filter or a part, they are counted by reading.

        Raises:
            StediError: a file cannot be read.
        """
        if self._part:
            return sum(batch.num_rows for batch in self._batches(self._columns[:1]))
        with self._failing():
            return self._scan(self._columns[:1]).count()

    def to_arrow(self) -> "pa.Table":
        """All rows as an Arrow table.

        Raises:
            StediError: a file cannot be read.
        """
        return self._read(self._columns)

    def to_batches(self) -> "Iterator[pa.RecordBatch]":
        """The rows in Arrow batches, one after the other, for what does not fit into memory.

        Raises:
            StediError: a file cannot be read.
        """
        yield from self._batches(self._columns)

    def to_pandas(self) -> "pd.DataFrame":
        """All rows as a pandas DataFrame; whole numbers among which one is null become floats, as pandas has it.

        Raises:
            StediError: a file cannot be read.
        """
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def to_polars(self) -> "pl.LazyFrame":
        """The rows as a Polars LazyFrame: only the columns that the query needs are read, batch by batch.

        Raises:
            StediError: Polars is not installed; when it is collected, a file cannot be read.
        """
        polars = _optional("polars", "Polars")
        from polars.io.plugins import register_io_source

        def frames(
            wanted: list[str] | None, predicate: "pl.Expr | None", most: int | None, _batch_size: int | None
        ) -> "Iterator[pl.DataFrame]":
            left = most
            for batch in self._batches(wanted or self._columns):
                frame = polars.from_arrow(batch)
                if left is not None:
                    frame = frame.head(left)
                    left -= frame.height
                yield frame if predicate is None else frame.filter(predicate)
                if left == 0:
                    return

        empty = polars.from_arrow(self._arrow_schema().empty_table())
        frame: pl.LazyFrame = register_io_source(frames, schema=empty.schema)
        return frame

    def to_duckdb(self, connection: "duckdb.DuckDBPyConnection | None" = None) -> "duckdb.DuckDBPyRelation":
        """All rows as a DuckDB relation, over an Arrow table in memory.

        Args:
            connection: whose relation it is; by default that of `duckdb.sql`, which finds it by its Python name.

        Raises:
            StediError: a file cannot be read.
        """
        import duckdb

        return (connection or duckdb).from_arrow(self.to_arrow())

    def to_torch(self) -> "dict[str, torch.Tensor]":
        """The columns of numbers as PyTorch tensors of one dimension, by name; columns of texts are left out.

        A `long` column becomes int64, a `double` one float64, a `boolean` one bool; row i of each is the same row. They
        are in memory, so that a training can shuffle: `TensorDataset(*tensors.values())`. What does not fit into
        memory, take from `to_batches`.

        Raises:
            StediError: PyTorch is not installed, no column holds numbers, one has nulls, or a file cannot be read.
        """
        from stedi_dagster.wording import counted

        torch = _optional("torch", "PyTorch")
        names = [name for name, column in self.schema.items() if column.type != "string"]
        if not names:
            raise StediError(f"None of {', '.join(self._columns)} is a column of numbers: there is no tensor of texts.")
        table = self._read(names)
        for name in names:
            if nulls := table[name].null_count:
                raise StediError(
                    f"{name} of {self.table_name} is null in {counted(nulls, 'rows')}, which no tensor can hold: leave "
                    f'them out with where="{name} is not null", or leave out the column.'
                )
        # Copies: Arrow's memory cannot be written, and a tensor's may be.
        return {name: torch.from_numpy(table[name].to_numpy().copy()) for name in names}

    def _read(self, columns: Sequence[str]) -> "pa.Table":
        with self._failing():
            rows = self._scan(self._asked(columns)).to_arrow()
        return self._of_part(rows).select(list(columns))

    def _batches(self, columns: Sequence[str]) -> "Iterator[pa.RecordBatch]":
        with self._failing():
            for batch in self._scan(self._asked(columns)).to_arrow_batch_reader():
                yield self._of_part(batch).select(list(columns))

    def _asked(self, columns: Sequence[str]) -> list[str]:
        """The columns that are read: of a part, also the one that tells whose a row is."""
        return list(dict.fromkeys([*columns, PARTICIPANT] if self._part else columns))

    def _of_part(self, rows: Rows) -> Rows:
        return rows_in(rows, self._part, self._shares) if self._part else rows

    def _arrow_schema(self) -> "pa.Schema":
        import pyarrow as pa

        found = self._scan(self._columns).to_arrow_batch_reader().schema
        return pa.schema([found.field(name) for name in self._columns])

    def _scan(self, columns: Sequence[str]) -> "DataScan":
        return self._table.scan(self._filter, selected_fields=tuple(columns), snapshot_id=self.snapshot_id)

    def _chosen(self, columns: Sequence[str] | None, known: dict[str, Column]) -> list[str]:
        if columns is None:
            return list(known)
        chosen = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
        if not chosen:
            raise StediError(f"No column of {self.table_name} is chosen: name some of {', '.join(known)}.")
        if unknown := [name for name in chosen if name not in known]:
            raise StediError(f"{unknown[0]!r} is no column of {self.table_name}: it has {', '.join(known)}.")
        return chosen

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what a file that cannot be read raises into one sentence.

        Raises:
            StediError: one is gone or damaged, or the storage failed.
        """
        from stedi_dagster.lakehouse.manifests import DAMAGED
        from stedi_dagster.storage import storage_errors

        what = f"A file of snapshot {self.snapshot_id} of {self.table_name}"
        with storage_errors(f"reading {self.table_name}", outcome=""):
            try:
                yield
            except FileNotFoundError:
                raise StediError(
                    f"{what} is gone. If the snapshot has expired since it was opened, open the table again; otherwise "
                    "`stedi audit` tells what is missing."
                ) from None
            except DAMAGED:
                raise StediError(f"{what} is damaged: `stedi audit` tells what is, and what to do.") from None


def _optional(module: str, name: str) -> Any:
    """A library that the platform itself does not need.

    Raises:
        StediError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise StediError(
            f"{name} is not installed, and the platform does not need it: install it beside the platform, with "
            f"`uv pip install {module}` or `pip install {module}`."
        ) from None
