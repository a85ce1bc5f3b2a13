"""Amending a table: rows leave by rewriting the files that hold them, new ones are added, everything else stays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import Contract
from stedi_dagster.drafts.delta import KEY
from stedi_dagster.drafts.following import Additions
from stedi_dagster.drafts.merging import small
from stedi_dagster.drafts.run import Run
from stedi_dagster.erasure.delete_rows import nothing, rows_without, to_rewrite
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.data_files import MOVED, DataFiles
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.staged import StagedTable

# Files of so many bytes are never merged with others.
_LARGE = 32 << 20


@dataclass
class Amendment:
    """A table's next files.

    Attributes:
        staged: what was written.
        new: those of it with rows that are new.
        rest: all other files.
        stays: those of its current snapshot that are in it still.
        gone: the paths of those that are not.
        kept: the rows that are to be in it because of what is new, wherever they are; None where there are none.
        kept_before: how many input rows were in it.
        rows_out: how many rows left.
        inputs_out: how many input rows these were, where several may be one's.
    """

    staged: StagedTable
    new: DataFiles
    rest: DataFiles
    stays: DataFiles
    kept: DataFrame | None
    kept_before: int
    gone: list[str] = field(default_factory=list)
    rows_out: int = 0
    inputs_out: int = 0
    _parts: int = 0

    @property
    def rows(self) -> int:
        """How many rows the table will have."""
        return self.new.rows + self.rest.rows

    def move(self, rows: Iterable[pa.RecordBatch], out_of: DataFiles, *, without: int = 0) -> None:
        """Write, in the place of files that go, those of their rows that stay.

        Args:
            rows: those that stay.
            out_of: the files that go.
            without: how many of their rows go with them.

        Raises:
            StediError: not as many rows were written as were to stay.
        """
        self._parts += 1
        part = f"{MOVED}-{self._parts}"
        if (rows_in := self.staged.write_batches(rows, part=part)) != out_of.rows - without:
            raise StediError(
                f"Of {out_of.rows:,} rows of {self.staged.contract.table()}, {without:,} were to be taken out of its "
                f"files, and {rows_in:,} were left. Nothing of it is published. Run `stedi run --full-refresh "
                f"{self.staged.contract.table()}`."
            )
        published = [path for path in out_of.paths if path in self.stays.sizes]
        # What was moved in this run before.
        out_of.storage.delete(out_of.without(published).paths)
        self.gone += published
        self.stays = self.stays.without(published)
        written = self.staged.files()
        moved = written.parts().get(f"{self.staged.name}/{part}", written.only(()))
        self.rest = moved.beside(self.rest.without(out_of.paths))


def amend(run: Run, table: Table, published: Snapshot, additions: Additions, *, input_row: Sequence[str]) -> Amendment:
    """Stage what a table needs to become what its inputs say now.

    Args:
        run: the run; it holds the writer lock.
        table: the table.
        published: its current snapshot.
        additions: what is new.
        input_row: see `TablePlan`.
    """
    contract = published.files.contract
    staged = run.lakehouse.stage(table, contract)
    nothing_new = published.files.only(())
    files, kept_before = published.files, published.summary.kept or 0
    amended = Amendment(staged, nothing_new, files, files, kept=additions.kept, kept_before=kept_before)
    if additions.leaving is not None:
        _take_out(amended, published, additions.leaving, additions.leaving_by, input_row)
    if additions.kept is not None:
        rows = additions.kept
        if additions.once:
            rows = rows.distinct()
            if additions.moments and amended.rest.paths:
                known = between(amended.rest.frame(run.session), contract, additions.moments)
                # By what makes a row unique: null is never equal to null.
                rows = rows.join(known, on=contract.unique() or contract.names(), how="left_anti")
        written = amended.staged.files()
        staged.write_frame(rows)
        amended.new = staged.files().without(written.paths)
    _merge(amended)
    return amended


def between(rows: DataFrame, contract: type[Contract], moments: tuple[int, int]) -> DataFrame:
    """The rows whose event time lies between two moments, both included."""
    return rows.where(F.col(str(contract.event_time())).between(*moments))


def _take_out(
    amended: Amendment, published: Snapshot, leaving: DataFrame, column: str, input_row: Sequence[str]
) -> None:
    keys = leaving.select(KEY).distinct().toArrow()[KEY].combine_chunks()

    def going(rows: pa.RecordBatch) -> pa.BooleanArray:
        return pc.is_in(rows[column], value_set=keys)

    out = to_rewrite(published, [column], going)
    amended.rows_out = out.rows
    if not amended.rows_out:
        return
    amended.move(rows_without(out, nothing), out.files, without=amended.rows_out)
    if input_row:
        theirs = pa.Table.from_batches(batch.filter(going(batch)) for batch in out.files.batches(input_row))
        amended.inputs_out = theirs.group_by(list(input_row)).aggregate([]).num_rows


def _merge(amended: Amendment) -> None:
    """Write the rows of small files together, where there are too many files."""
    merging = small({path: size for path, size in amended.rest.sizes.items() if size < _LARGE})
    if merging:
        files = amended.rest.only(merging)
        amended.move(files.batches(files.contract.names()), files)
