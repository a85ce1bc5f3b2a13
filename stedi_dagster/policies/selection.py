"""What a rule says about the rows it was given: which are kept, and how many are withheld for which reason."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

# The column in which a rule writes why a row is withheld; null where it is kept.
REASON = "withheld_reason"
DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Selection:
    """Two plans over the same input: the rows of the new table, and a count for each reason.

    `counts` has one row for each reason, and one with a null reason for the rows that are kept; its columns are
    REASON and `rows`. They add up to the rows of the table's main input. Where `once` is set, equal rows in `kept`
    are to be published once, and the others counted as DUPLICATE.
    """

    kept: DataFrame
    counts: DataFrame
    once: bool = False


def select(labelled: DataFrame, columns: list[str], *, once: bool = False) -> Selection:
    """Keep the rows without a reason.

    Args:
        labelled: the main input's rows with REASON.
        columns: the columns of the new table, in order.
        once: whether equal rows count once.
    """
    kept = labelled.where(F.col(REASON).isNull()).select(*columns)
    return Selection(kept, labelled.groupBy(REASON).agg(F.count(F.lit(1)).alias("rows")), once)


def first_reason(*rules: tuple[Column, str]) -> Column:
    """The reason of the first rule whose condition holds, or null."""
    reason = F.lit(None).cast("string")
    for condition, name in reversed(rules):
        reason = F.when(condition, F.lit(name)).otherwise(reason)
    return reason
