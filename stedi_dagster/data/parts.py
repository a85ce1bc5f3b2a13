"""The rows of those who are in training, validation or test; `stedi_dagster.split` says who is."""

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from stedi_dagster.errors import StediError
from stedi_dagster.split import PARTS, Part, Shares, part_of

if TYPE_CHECKING:
    import pyarrow as pa

Rows = TypeVar("Rows", "pa.RecordBatch", "pa.Table")
PARTICIPANT = "participantId"
# A participant's rows come in many batches.
_part_of = lru_cache(1 << 17)(part_of)


def known_part(part: str, columns: Collection[str], table: str) -> Part:
    """A part that somebody named.

    Args:
        part: the name.
        columns: the table's.
        table: its name, for messages.

    Raises:
        StediError: there is no such part, or the table's rows are not participants'.
    """
    found = next((known for known in PARTS if known == part), None)
    if found is None:
        raise StediError(f"There is no part {part!r}: there are {', '.join(PARTS)}.")
    if "part" in columns:
        raise StediError(f"{table} has a column that says who is in which part: `data.open().release(NAME).part(…)`.")
    if PARTICIPANT not in columns:
        raise StediError(f"{table} has no {PARTICIPANT}, by which people are split: read machine_learning_curated.")
    return found


def rows_in(rows: Rows, part: Part, shares: Shares) -> Rows:
    """The rows of those who are in a part.

    Args:
        rows: with their participantIds; a row without one is in no part.
        part: the part.
        shares: how many are in each.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    participants = rows[PARTICIPANT]
    wanted = [one for one in pc.unique(participants).to_pylist() if one is not None and _part_of(one, shares) == part]
    return rows.filter(pc.is_in(participants, value_set=pa.array(wanted, participants.type)))
