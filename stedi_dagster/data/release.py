"""A release as it is now: named, split, and smaller by whoever has left since it was created."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stedi_dagster.data.reading import Reading
from stedi_dagster.errors import StediError
from stedi_dagster.split import PARTS

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

# Which rows are whose; a reader of one part of one release knows.
ROWS, REVISIONS = "ml_release", "release_revisions"
PLACING = ("release", "part")
Open = Callable[[Sequence[str] | None, "BooleanExpression"], Reading]


@dataclass(frozen=True)
class Release:
    """A release; write its name and its revision down with what is trained on it.

    Attributes:
        name: the release's.
        revision: how often it was cut again, and one: 1 is as it was created.
        reason: why there is this revision.
        recorded_at: since when, in UTC.
        rows: how many rows are in each part.
        participants: how many people are in each part.
    """

    name: str
    revision: int
    reason: str
    recorded_at: datetime
    rows: Mapping[str, int]
    participants: Mapping[str, int]
    _open: Open = field(repr=False, compare=False)

    @classmethod
    def of(cls, recorded: Mapping[str, Any], reading: Open) -> "Release":
        """A release by what is recorded of its last revision.

        Args:
            recorded: the row.
            reading: opens rows of all releases.
        """
        return cls(
            recorded["release"],
            recorded["revision"],
            recorded["reason"],
            datetime.fromtimestamp(recorded["recordedAt"] / 1000, tz=UTC),
            {part: recorded[f"{part}Rows"] for part in PARTS},
            {part: recorded[f"{part}Participants"] for part in PARTS},
            reading,
        )

    def part(
        self, part: str, *, columns: Sequence[str] | None = None, where: "str | BooleanExpression | None" = None
    ) -> Reading:
        """The rows of one part.

        Args:
            part: `train`, `validation` or `test`.
            columns: those to read, in this order; by default those of machine_learning_curated.
            where: which rows; see `Tables.table`.

        Raises:
            StediError: there is no such part or column, or the filter is refused.
        """
        from pyiceberg.expressions import EqualTo

        if part not in PARTS:
            raise StediError(f"There is no part {part!r}: there are {', '.join(PARTS)}.")
        return self._reading(columns, where, EqualTo(term="part", value=part))

    def all(self, *, columns: Sequence[str] | None = None, where: "str | BooleanExpression | None" = None) -> Reading:
        """The rows of all parts; the column `part` says which, where it is asked for.

        Args:
            columns: see `part`, like the other.
            where: which rows.

        Raises:
            StediError: there is no such column, or the filter is refused.
        """
        return self._reading(columns, where)

    def _reading(
        self, columns: Sequence[str] | None, where: "str | BooleanExpression | None", *more: "BooleanExpression"
    ) -> Reading:
        from pyiceberg.expressions import And, EqualTo

        from stedi_dagster.data.filters import parsed

        return self._open(columns, And(EqualTo(term="release", value=self.name), parsed(where), *more))
