"""The three feeds: where each lands, and which contract its records have."""

from dataclasses import dataclass

from stedi_dagster.contracts import (
    AccelerometerLanding,
    Contract,
    CustomerLanding,
    StepTrainerLanding,
)


@dataclass(frozen=True)
class Feed:
    """One source of raw records."""

    name: str
    contract: type[Contract]

    @property
    def folder(self) -> str:
        """Its folder in the landing zone."""
        return f"{self.name}/landing"

    @property
    def quarantine(self) -> str:
        """The table of what could not be read."""
        return f"{self.name}_quarantine"


FEEDS: dict[str, Feed] = {
    feed.contract.table(): feed
    for feed in (
        Feed("customer", CustomerLanding),
        Feed("accelerometer", AccelerometerLanding),
        Feed("step_trainer", StepTrainerLanding),
    )
}

# Added to every number read: -0.0 becomes 0.0, which engines disagree about when they compare rows.
POSITIVE_ZERO = 0.0

# Not in the raw records: `landing` derives it from another field.
DERIVED = {"birthDayValid"}

# What is an address, and what else is recognised in another spelling: both are landed as `keys.stored` has it.
ADDRESSES = {"email", "user"}
KEYS = {*ADDRESSES, "serialNumber"}
