"""What a contract says of a column. How one is written is in `base`; what may not be said, in `consistency`."""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql.types import DataType

from stedi_dagster.wording import with_unit

Personal = Literal["no", "yes", "pseudonym"]
# Whose a row is: an address, a serial number of somebody's device, a participantId.
Identifies = Literal["person", "device", "participant"]
# What tells who somebody is, and not whose a row is: several people are called the same.
Describes = Literal["name", "telephone"]
# One value; several, one a line; or a text of any kind, in which anybody may be named.
Holds = Literal["value", "lines", "text"]


@dataclass(frozen=True)
class Column:
    """One column of a contract, as everything derived from it needs it."""

    name: str
    type: DataType
    nullable: bool
    description: str
    unit: str | None
    personal: Personal
    identifies: Identifies | None
    describes: Describes | None
    holds: Holds
    event_time: bool

    @property
    def meaning(self) -> str:
        """The description with the unit, one line."""
        return with_unit(self.description, self.unit)
