"""The feeds, one for each landing contract: where each one lands, and what its records are."""

from dataclasses import dataclass

from stedi_dagster.contracts import TABLES, Column, Contract, feed_name, landed_files_name, quarantine_name


@dataclass(frozen=True)
class Feed:
    """One of the sources of raw files."""

    contract: type[Contract]

    @property
    def name(self) -> str:
        """The beginning of its landing table's name."""
        return feed_name(self.contract)

    @property
    def folder(self) -> str:
        """Its folder in the landing zone."""
        return f"{self.name}/landing"

    @property
    def quarantine(self) -> str:
        """The table of the texts that could not be read."""
        return quarantine_name(self.contract)

    @property
    def landed_files(self) -> str:
        """The table of the raw files that have landed."""
        return landed_files_name(self.contract)


FEEDS: dict[str, Feed] = {name: Feed(contract) for name, contract in TABLES.items() if contract.layer() == "landing"}

# Added to every number read: turns -0.0 into 0.0, as engines disagree about the two when they compare rows.
POSITIVE_ZERO = 0.0

# Not in the raw records: landing derives it from another field.
DERIVED = {"birthDayValid"}


def is_key(spec: Column) -> bool:
    """Whether a column's values are recognised in different spellings, and so landed as `keys.stored` returns them.

    That is true of values that identify somebody: addresses and serial numbers.
    """
    return spec.identifies is not None and spec.holds == "value"
