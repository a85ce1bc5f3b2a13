"""How people and devices are recognised across feeds that write them differently."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

# Spelled out because engines differ in what `trim` takes for white space.
_WHITE_SPACE = " \t\r\n\f\x0b"


def matching_key(column: str) -> Column:
    """An address or serial number, trimmed and lower-cased: two that are equal stand for one person or device."""
    return F.lower(F.btrim(F.col(column), F.lit(_WHITE_SPACE)))


def with_keys(frame: DataFrame, *columns: str) -> DataFrame:
    """The frame with the named columns replaced by their matching keys."""
    return frame.withColumns({column: matching_key(column) for column in columns})
