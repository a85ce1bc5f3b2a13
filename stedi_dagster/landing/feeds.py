"""The feeds, one for each landing contract: where each lands, and what its records are."""

from dataclasses import dataclass

from stedi_dagster.contracts import TABLES, Column, Contract, feed_name, quarantine_name


@dataclass(frozen=True)
class Feed:
    """One source of raw records."""

    contract: type[Contract]

    @property
    def name(self) -> str:
        """What its landing table's name begins with."""
        return feed_name(self.contract)

    @property
    def folder(self) -> str:
        """Its folder in the landing zone."""
        return f"{self.name}/landing"

    @property
    def quarantine(self) -> str:
        """The table of what could not be read."""
        return quarantine_name(self.contract)


FEEDS: dict[str, Feed] = {name: Feed(contract) for name, contract in TABLES.items() if contract.layer() == "landing"}

# Added to every number read: -0.0 becomes 0.0, which engines disagree about when they compare rows.
POSITIVE_ZERO = 0.0

# Not in the raw records: `landing` derives it from another field.
DERIVED = {"birthDayValid"}


def is_key(spec: Column) -> bool:
    """Whether a column's values are recognised in another spelling, and so are landed as `keys.stored` has it.

    Those that identify somebody are: addresses and serial numbers.
    """
    return spec.identifies is not None and spec.holds == "value"
