"""What has changed in a table between two of its snapshots, told by their data files, which never change in place."""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.snapshot import Snapshot

KEY = "key"
_SOUGHT = "sought"
# Two halves of a hash are summed up apart: the sum of whole ones would be too large.
_HALF = 1 << 32


@dataclass(frozen=True)
class Delta:
    """The difference of two snapshots of a table.

    Attributes:
        before: the rows of the earlier one.
        now: the rows of the later one.
        new: those of the later one's files that were written as new rows.
        moved: its other new files: what is in them was, as they were written, in others before.
        gone: the files that only the earlier one has.
    """

    before: DataFiles
    now: DataFiles
    new: DataFiles
    moved: DataFiles
    gone: DataFiles

    @classmethod
    def between(cls, before: Snapshot, now: Snapshot) -> "Delta":
        """The difference of two snapshots of one table."""
        added = now.files.without(before.files.paths)
        moved, gone = added.moved(), before.files.without(now.files.paths)
        return cls(before.files, now.files, added.without(moved.paths), moved, gone)

    @property
    def in_full(self) -> bool:
        """Whether most of the table was replaced: more than half of its rows are gone, and not only moved."""
        return 2 * (self.gone.rows - self.moved.rows) > self.before.rows

    @property
    def earlier(self) -> DataFiles:
        """The later one without the new rows: of a key that is not disturbed, it holds what was there before."""
        return self.now.without(self.new.paths)

    def disturbed(self, session: SparkSession, whose: Column) -> DataFrame | None:
        """Whose rows have not only been added to and moved, but are others now; None where that is nobody.

        That the names of files tell what was moved is not believed: it is looked at.

        Args:
            session: the engine's.
            whose: tells whose a row is, as a matching key.

        Returns:
            A frame of one column, `key`.
        """
        if not self.gone.paths and not self.moved.paths:
            return None
        before, after = (_content(files, session, whose) for files in (self.gone, self.moved))
        return differing(before, after)


def differing(before: DataFrame, after: DataFrame) -> DataFrame:
    """The keys of the rows that only one of two frames has, each once."""
    return before.subtract(after).unionAll(after.subtract(before)).select(KEY).distinct()


def of_keys(rows: DataFrame, whose: Column, keys: DataFrame | None, *columns: str) -> DataFrame | None:
    """The rows of some keys, or some of their columns; None where no keys are given."""
    if keys is None:
        return None
    found = _sought(keys).join(rows, on=whose == F.col(_SOUGHT), how="inner")
    return found.select(*columns) if columns else found.drop(_SOUGHT)


def of_others(rows: DataFrame, whose: Column, keys: DataFrame | None) -> DataFrame:
    """The rows of all but some keys."""
    if keys is None:
        return rows
    found = _sought(keys).join(rows, on=whose == F.col(_SOUGHT), how="right")
    return found.where(F.col(_SOUGHT).isNull()).drop(_SOUGHT)


def _sought(keys: DataFrame) -> DataFrame:
    """Keys, to be joined to far more rows: the first of two that are joined is the one that Sail holds in memory."""
    return keys.select(F.col(KEY).alias(_SOUGHT)).distinct()


def together(*frames: DataFrame | None) -> DataFrame | None:
    """The rows of those frames that there are."""
    found = [frame for frame in frames if frame is not None]
    return reduce(DataFrame.unionByName, found) if found else None


def _content(files: DataFiles, session: SparkSession, whose: Column) -> DataFrame:
    """What the rows of each key are, whatever their order and their files: their number, and sums of hashes."""
    # It passes nulls over: the same value in the column beside would be the same.
    nulls = [F.isnull(spec.name) for spec in files.contract.columns() if spec.nullable]
    hashed = F.xxhash64(*files.contract.names(), *nulls)
    rows = files.frame(session).select(whose.alias(KEY), hashed.alias("hash"))
    return rows.groupBy(KEY).agg(
        F.count(F.lit(1)).alias("rows"),
        F.sum(F.pmod("hash", F.lit(_HALF))).alias("low"),
        F.sum(F.shiftright("hash", 32)).alias("high"),
    )
