"""What a contract is: a pandera.pyspark model whose columns also say their unit, what is personal and whose a row is.

The tables' contracts are in the other modules; what is derived from them (audits, erasure, Iceberg schemas, Dagster's
column schemas) is where it is used.
"""

import re
from copy import deepcopy
from functools import cache
from typing import Any

import pandera.pyspark as pa
from pandera.api.pyspark.container import DataFrameSchema
from pyspark.sql.types import LongType, StructType

from stedi_dagster.contracts.columns import Column, Describes, Holds, Identifies, Personal
from stedi_dagster.contracts.consistency import refuse_contradictions

EPOCH_MS = "ms since 1970-01-01 UTC"
# No device existed before: an earlier time is a clock that was never set.
EARLIEST_MS = 946_684_800_000  # 2000-01-01
# Phones' clocks run ahead a little; a time beyond this is a broken clock.
AHEAD_OF_RUN_MS = 24 * 60 * 60 * 1000
# pandera has no check for NaN and infinity; Spark orders NaN above every number, so a range refuses both.
LARGEST_LONG = 2**63 - 1
LARGEST_DOUBLE = 1.7976931348623157e308

# The form of an address, for every engine's regular expressions and Python's: something, an @, a domain. What
# separates one thing from another stands in none, nor does white space of any script. Without a form, whatever stands
# for "none" (None, nan, NULL, n/a, -) would be one person, and the consent of one would be everybody's.
_NOT_IN_ADDRESSES = "\\x00-\\x20\\x7f-\\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
_ADDRESS = rf"""[^{_NOT_IN_ADDRESSES}"(),:;<>@\[\]\\{{}}]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"""
_ASCII_BLANKS = r"[\t\n\x0b\f\r ]*"
# As it is delivered, and as a key.
ADDRESS = rf"^{_ASCII_BLANKS}{_ADDRESS}{_ASCII_BLANKS}$"
ADDRESS_KEY = rf"^{_ADDRESS}$"


def column(  # noqa: PLR0913 - one argument for each thing that a contract says of a column
    description: str,
    *,
    nullable: bool = False,
    unit: str | None = None,
    personal: Personal = "no",
    identifies: Identifies | None = None,
    describes: Describes | None = None,
    holds: Holds = "value",
    event_time: bool = False,
    **checks: Any,
) -> Any:
    """A column of a contract.

    Args:
        description: what it means, in one line.
        nullable: whether it may be null.
        unit: of a measurement.
        personal: whether it holds personal data, under names or under pseudonyms.
        identifies: whose the row is, where this column says so: erasure, withdrawals and consent go by it.
        describes: what of somebody it tells, where it does not say whose the row is.
        holds: one value, several (one a line), or a text in which anybody may be named.
        event_time: whether it is when a reading was taken, in epoch milliseconds: the moment that is held against the
            time of an agreement and of an erasure.
        **checks: pandera's own (ge, isin, str_matches, ...).
    """
    return pa.Field(
        nullable=nullable,
        description=description,
        metadata={
            "unit": unit,
            "personal": personal,
            "identifies": identifies,
            "describes": describes,
            "holds": holds,
            "event_time": event_time,
        },
        **checks,
    )


def epoch_ms(description: str, *, nullable: bool = False, event_time: bool = False) -> Any:
    """A moment in epoch milliseconds; `Contract.schema` adds that it is at most a day after the run."""
    return column(description, nullable=nullable, unit=EPOCH_MS, ge=EARLIEST_MS, event_time=event_time)


class Contract(pa.DataFrameModel):  # type: ignore[type-arg]
    """The base of all contracts; a subclass's docstring says which rows its table has.

    A subclass that contradicts itself raises a ContractError when it is defined.
    """

    class Config:
        """pandera's settings: exactly these columns, in any order."""

        strict = True

    def __init_subclass__(cls, *, ledger: bool = False, **more: Any) -> None:
        """Check a new contract; from the ledger of erasures alone nobody is ever erased."""
        super().__init_subclass__(**more)  # type: ignore[no-untyped-call]
        refuse_contradictions(cls.__name__, cls.columns(), is_ledger=ledger)

    @classmethod
    def table(cls) -> str:
        """The table's name: the class's, in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def layer(cls) -> str:
        """The table's layer: the module that the class is in, like `curated`."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join((cls.__doc__ or "").split("\n\n", maxsplit=1)[0].split())

    @classmethod
    def schema(cls, *, now_ms: int | None = None) -> DataFrameSchema:
        """Pandera's schema; with `now_ms`, moments must also lie within a day of that time.

        Args:
            now_ms: the time of the run, in epoch milliseconds.
        """
        schema = deepcopy(cls.to_schema())  # pandera caches the one it returns
        if now_ms is not None:
            for spec in schema.columns.values():
                if spec.metadata["unit"] == EPOCH_MS:
                    spec.checks.append(pa.Check.le(latest_ms(now_ms)))
        return schema

    @classmethod
    def columns(cls) -> list[Column]:
        """The columns in order."""
        return list(_columns_of(cls))

    @classmethod
    def names(cls) -> list[str]:
        """The columns' names in order."""
        return [spec.name for spec in cls.columns()]

    @classmethod
    def struct(cls) -> StructType:
        """The Spark schema. Every field is nullable, as engines write them; the contract's audit counts nulls."""
        struct = StructType()
        for spec in cls.columns():
            struct.add(spec.name, spec.type, nullable=True)
        return struct

    @classmethod
    def personal(cls) -> Personal:
        """What its most personal column has; a table with pseudonyms is personal data, too (GDPR, Recital 26)."""
        kinds = {spec.personal for spec in cls.columns()}
        return "yes" if "yes" in kinds else "pseudonym" if "pseudonym" in kinds else "no"

    @classmethod
    def identifying(cls, *kinds: Identifies) -> list[Column]:
        """The columns that say whose a row is, in order; with `kinds`, those of these kinds."""
        return [spec for spec in cls.columns() if spec.identifies and (not kinds or spec.identifies in kinds)]

    @classmethod
    def owners(cls) -> list[Column]:
        """The columns that say whose a row is: people's, or, where no column names a person, devices'."""
        return cls.identifying("person", "participant") or cls.identifying("device")

    @classmethod
    def describing(cls) -> list[Column]:
        """The columns that tell who somebody is without saying whose the row is."""
        return [spec for spec in cls.columns() if spec.describes]

    @classmethod
    def texts(cls) -> list[Column]:
        """The columns of texts in which anybody may be named."""
        return [spec for spec in cls.columns() if spec.holds == "text"]

    @classmethod
    def event_time(cls) -> str | None:
        """The column that says when a row's reading was taken; None where there is none."""
        return next((spec.name for spec in cls.columns() if spec.event_time), None)

    @classmethod
    def unique(cls) -> list[str]:
        """The columns that together are unique, or none."""
        return list(cls.to_schema().unique or [])


@cache
def _columns_of(contract: type[Contract]) -> tuple[Column, ...]:
    # Asked for each record that somebody who is forgotten may have sent.
    schema = contract.to_schema()
    types: StructType = schema.to_structtype()
    return tuple(
        Column(
            name=name,
            type=types[name].dataType,
            nullable=spec.nullable,
            description=spec.description,
            **spec.metadata,
        )
        for name, spec in schema.columns.items()
    )


def latest_ms(now_ms: int) -> int:
    """The latest moment that a record may name in a run that began at `now_ms`, both in epoch milliseconds."""
    return now_ms + AHEAD_OF_RUN_MS


def is_moment(spec: Column) -> bool:
    """Whether a column holds a moment in epoch milliseconds."""
    return isinstance(spec.type, LongType) and spec.unit == EPOCH_MS
