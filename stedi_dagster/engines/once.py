"""Rows that are found once, and not again in every query that asks for them."""

from pyspark.sql import DataFrame


def found_once(few: DataFrame) -> DataFrame:
    """A frame of the same rows that does not say any more how they were found.

    Engines otherwise find them again in every query, and take them for as many as what they are found in: they may
    then hold many rows in memory to look for few in them.

    Args:
        few: as many rows as fit into memory by far.
    """
    rows = few.toArrow()
    return few.sparkSession.createDataFrame(rows) if len(rows) else few.limit(0)
