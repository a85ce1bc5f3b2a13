"""Values around the border of every rule of every contract, and what breaking it means, in plain Python."""

import math
import re
from typing import Any

from hypothesis import strategies as st
from pyspark.sql.types import BooleanType, DataType, DoubleType, LongType, StringType

from stedi_dagster.contracts import TABLES, Contract, Participants, Quarantine
from stedi_dagster.contracts.base import EARLIEST_MS, LARGEST_DOUBLE, latest_ms

NOW = 1_700_000_000_000
_ALL: tuple[type[Contract], ...] = (*TABLES.values(), Participants, Quarantine)
CONTRACTS = {contract.table(): contract for contract in _ALL}
NUMBER = "01234567-89ab-4cde-8f01-23456789abcd"

# For each type the values to try, whatever a column's rules are.
VALUES: dict[type[DataType], list[Any]] = {
    StringType: [
        *(None, "", " ", "\t\n", "a", " a", "a ", "a b", "a\nb", "é", "\uff11"),
        *(NUMBER, NUMBER.upper(), NUMBER + "0", NUMBER[:-1], NUMBER[:-1] + "g"),
    ],
    LongType: [
        *(None, -(2**63), -1, 0, 1, 2**63 - 1),
        *(EARLIEST_MS - 1, EARLIEST_MS, latest_ms(NOW), latest_ms(NOW) + 1),
    ],
    DoubleType: [None, 0.0, 1.5, LARGEST_DOUBLE, -LARGEST_DOUBLE, math.inf, -math.inf, math.nan],
    BooleanType: [None, True, False],
}

Rows = list[tuple[Any, ...]]


def every_value(contract: type[Contract]) -> list[Rows]:
    """Frames of one row, in which every column has each of its values once."""
    columns = [VALUES[type(spec.type)] for spec in contract.columns()]
    return [[tuple(some[turn % len(some)] for some in columns)] for turn in range(max(map(len, columns)))]


def frames(contract: type[Contract]) -> st.SearchStrategy[Rows]:
    """Frames of a few rows of these values, some of them several times."""
    row = st.tuples(*(st.sampled_from(VALUES[type(spec.type)]) for spec in contract.columns()))
    return st.lists(row, min_size=1, max_size=4).flatmap(lambda rows: st.lists(st.sampled_from(rows), max_size=8))


def broken(contract: type[Contract], rows: Rows) -> dict[str, int]:
    """How many rows break which rule, by "column: rule"; read off the contract's declaration, not its compilation."""
    schema = contract.schema(now_ms=NOW)
    counts: dict[str, int] = {}
    for place, (name, column) in enumerate(schema.columns.items()):
        values = [row[place] for row in rows]
        counts[f"{name}: not null"] = 0 if column.nullable else values.count(None)
        for check in column.checks:
            known = [value for value in values if value is not None]
            counts[f"{name}: {check.error}"] = sum(not _keeps(value, **check.statistics) for value in known)
    if schema.unique:
        places = [list(schema.columns).index(name) for name in schema.unique]
        different = {repr([row[place] for place in places]) for row in rows}
        counts[f"{', '.join(schema.unique)}: unique"] = len(rows) - len(different)
    return {rule: rows for rule, rows in counts.items() if rows}


def _keeps(value: Any, *, min_value: Any = None, max_value: Any = None, pattern: str | None = None, **_: Any) -> bool:
    if pattern is not None:
        return re.search(pattern.replace("$", r"\Z"), value) is not None
    # NaN is in no range.
    return (min_value is None or value >= min_value) and (max_value is None or value <= max_value)
