"""The three feeds: where each one lands, and which contract its records must meet."""

from dataclasses import dataclass

from stedi_dagster.contracts import (
    AccelerometerLanding,
    Contract,
    CustomerLanding,
    StepTrainerLanding,
)


@dataclass(frozen=True)
class Feed:
    """One of the sources of raw files."""

    name: str
    contract: type[Contract]

    @property
    def folder(self) -> str:
        """Its folder in the landing zone."""
        return f"{self.name}/landing"

    @property
    def quarantine(self) -> str:
        """The table of the texts that could not be read."""
        return f"{self.name}_quarantine"


FEEDS: dict[str, Feed] = {
    feed.contract.table(): feed
    for feed in (
        Feed("customer", CustomerLanding),
        Feed("accelerometer", AccelerometerLanding),
        Feed("step_trainer", StepTrainerLanding),
    )
}

# Added to every number read: turns -0.0 into 0.0, as engines disagree about the two when they compare rows.
POSITIVE_ZERO = 0.0

# Not in the raw records: landing derives it from another field.
DERIVED = {"birthDayValid"}

# The columns with addresses, and all that are recognised in different spellings: landed as `keys.stored` returns them.
ADDRESSES = {"email", "user"}
KEYS = {*ADDRESSES, "serialNumber"}
