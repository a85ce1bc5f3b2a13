"""Decides which files an engine may read itself: those in which every line is in canonical form.

Engines disagree about unusual input, or silently lose it (two objects on a line, a key in another case, a number as a
string, a fractional time). A line that matches the feed's pattern leaves no room for disagreement; a file with any
other line is read by `documents` and `records`.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention
from pyspark.sql.types import DataType, DoubleType, LongType, StringType, StructType

from stedi_dagster.contracts import Contract
from stedi_dagster.contracts.base import is_moment, latest_ms
from stedi_dagster.contracts.columns import Column
from stedi_dagster.landing.feeds import DERIVED, POSITIVE_ZERO
from stedi_dagster.landing.files import RawFile

# No escapes, no control characters, no replacement character (an engine may have substituted it for invalid UTF-8),
# and none of the punctuation that the counts below rely on.
_TEXT_CHARACTERS = r'[^"\\{}:\x00-\x1f\x7f\x{FFFD}]'
_VISIBLE_CHARACTERS = r"[!#-9;-\[\]-z|~]"
# `contracts.base.ADDRESS` in visible ASCII; any other address is stored by its key, which only our own reader makes.
_ADDRESS = r"[!#-'*+\--9=?A-Z^-z|~]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_GAP = r"[ \t]*"
_DOUBLE = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?(?:[eE]-?[0-9]{1,2})?"
_LONG = r"-?(?:0|[1-9][0-9]{0,17})"
# Patterns end in \z, not $: on the JVM, $ would allow a line separator (such as U+2028) to follow.
_DATE = (
    r"^(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-9]))\z"
)
# The Python types that a canonical value decodes to.
_JSON: dict[type[DataType], tuple[type, ...]] = {StringType: (str,), LongType: (int,), DoubleType: (int, float)}


@dataclass(frozen=True)
class Lines:
    """What reading some files as text found.

    `records` counts lines that are not blank, `values` all their fields that are not null.
    """

    octets: int = 0
    lines: int = 0
    records: int = 0
    canonical: int = 0
    values: int = 0

    def __add__(self, other: "Lines") -> "Lines":
        return Lines(
            self.octets + other.octets,
            self.lines + other.lines,
            self.records + other.records,
            self.canonical + other.canonical,
            self.values + other.values,
        )

    def accounts_for(self, files: Sequence[RawFile]) -> bool:
        """Whether every byte was read (a file's last line may lack its line end) and everything is canonical."""
        missing = sum(file.size for file in files) - self.octets
        return self.records == self.canonical and self.lines - len(files) <= missing <= self.lines


def pattern(contract: type[Contract], *, now_ms: int) -> str:
    """The regular expression for a feed's canonical line, in the syntax that Java and Rust share.

    Args:
        contract: the feed's contract.
        now_ms: the time of the run in epoch milliseconds, which bounds moments.
    """
    columns = raw_columns(contract)
    member = "|".join(f'"{re.escape(spec.name)}"{_GAP}:{_GAP}{_value(spec, now_ms)}' for spec in columns)
    required_more = sum(not spec.nullable for spec in columns) - 1
    more = rf"(?:{_GAP},{_GAP}(?:{member})){{{required_more},{len(columns) - 1}}}"
    return rf"^{_GAP}\{{{_GAP}(?:{member}){more}{_GAP}\}}[ \t\r]*\z"


def raw_columns(contract: type[Contract]) -> list[Column]:
    """The columns that raw records contain."""
    return [spec for spec in contract.columns() if spec.name not in DERIVED]


def scan(session: SparkSession, contract: type[Contract], files: Sequence[RawFile], *, now_ms: int) -> Lines:
    """Read files as text and count what is there, in one pass and without parsing.

    Raises:
        PySparkException: the engine cannot read one of the files as text.
    """
    line = F.col("value")
    is_record = F.trim(line) != ""
    columns = raw_columns(contract)
    if any(spec.nullable for spec in columns):
        # A canonical line has one colon per field, and no others.
        colons = F.octet_length(line) - F.octet_length(F.replace(line, F.lit(":"), F.lit("")))
        values = F.sum(colons - F.regexp_count(line, F.lit(r":[ \t]*null")))
    else:
        values = F.count_if(is_record) * len(columns)
    is_canonical = line.rlike(pattern(contract, now_ms=now_ms)) & ~_hides_a_key(columns) & _has_the_keys(columns)
    row = (
        session.read.text([file.path for file in files])
        .agg(
            F.coalesce(F.sum(F.octet_length(line)), F.lit(0)),
            F.count(F.lit(1)),
            F.count_if(is_record),
            F.count_if(is_canonical),
            F.coalesce(values, F.lit(0)),
        )
        .collect()[0]
    )
    return Lines(*row)


def parse(session: SparkSession, contract: type[Contract], files: Sequence[RawFile]) -> DataFrame:
    """The records of canonical files, typed and in the contract's columns."""
    struct = StructType()
    for spec in raw_columns(contract):
        struct.add(spec.name, spec.type)
    frame = session.read.schema(struct).json([file.path for file in files])
    doubles = [spec.name for spec in raw_columns(contract) if isinstance(spec.type, DoubleType)]
    if doubles:
        frame = frame.withColumns({name: F.col(name) + F.lit(POSITIVE_ZERO) for name in doubles})
    if "birthDayValid" in contract.names():
        frame = frame.withColumn("birthDayValid", _is_iso_date("birthDay"))
    return frame.select(*contract.names())


def canonical_files(
    session: SparkSession,
    contract: type[Contract],
    files: Sequence[RawFile],
    begins_well: Callable[[RawFile], bool],
    *,
    now_ms: int,
) -> tuple[list[RawFile], Lines]:
    """Which of the files are canonical, and what they hold together.

    All are tried at once. If that fails, files whose first line is not canonical are set aside, and the rest is tried
    in halves, so that a few odd files among many cost a few passes.

    Args:
        session: the engine's session.
        contract: the feed's contract.
        files: the files whose names the engine can read.
        begins_well: whether a file's first line is canonical, according to `is_canonical_line`.
        now_ms: the time of the run in epoch milliseconds.
    """
    found = _try_scan(session, contract, files, now_ms=now_ms)
    if found is not None:
        return list(files), found
    return _halve(session, contract, [file for file in files if begins_well(file)], now_ms=now_ms)


def is_canonical_line(contract: type[Contract], line: bytes) -> bool:
    """Whether a line looks canonical. A guess that saves the engine passes; `scan` decides."""
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):
        return False
    if not isinstance(record, dict) or not record.keys() <= set(contract.names()):
        return False
    return all(
        spec.nullable if record.get(spec.name) is None else type(record[spec.name]) in _JSON[type(spec.type)]
        for spec in raw_columns(contract)
    )


def _halve(
    session: SparkSession, contract: type[Contract], files: Sequence[RawFile], *, now_ms: int
) -> tuple[list[RawFile], Lines]:
    found = _try_scan(session, contract, files, now_ms=now_ms)
    if found is not None:
        return list(files), found
    if len(files) == 1:
        return [], Lines()
    middle = len(files) // 2
    left, left_lines = _halve(session, contract, files[:middle], now_ms=now_ms)
    right, right_lines = _halve(session, contract, files[middle:], now_ms=now_ms)
    return left + right, left_lines + right_lines


def _try_scan(
    session: SparkSession, contract: type[Contract], files: Sequence[RawFile], *, now_ms: int
) -> Lines | None:
    if not files:
        return Lines()
    try:
        found = scan(session, contract, files, now_ms=now_ms)
    except PySparkException:
        # A file that the engine cannot read as text (invalid UTF-8) is left to our own reader, which reports what it
        # cannot read either.
        return None
    return found if found.accounts_for(files) else None


def _hides_a_key(columns: Sequence[Column]) -> SparkColumn:
    """Whether a line may hold a key twice, once with null, which counting its values would not reveal."""
    line = F.col("value")
    twice = F.lit(False)
    for spec in columns:
        if spec.nullable:
            twice |= F.regexp_count(line, F.lit(f'"{re.escape(spec.name)}"')) > 1
    return F.when(line.contains("null"), twice).otherwise(F.lit(False))


def _has_the_keys(columns: Sequence[Column]) -> SparkColumn:
    """Whether a line has every required key; if only counted, optional keys could take their place."""
    line = F.col("value")
    has_keys = F.lit(True)
    if any(spec.nullable for spec in columns):
        for spec in columns:
            if not spec.nullable:
                has_keys &= line.rlike(f'"{re.escape(spec.name)}"{_GAP}:')
    return has_keys


def _is_iso_date(column: str) -> SparkColumn:
    """`records.is_iso_date` as an engine expression."""
    text = F.col(column)
    year = F.expr(f"try_cast(substring({column}, 1, 4) AS int)")
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return text.rlike(_DATE) & (~text.endswith("-02-29") | leap)


def _value(spec: Column, now_ms: int) -> str:
    if is_moment(spec):
        value = _up_to(latest_ms(now_ms))
    elif isinstance(spec.type, LongType):
        value = _LONG
    elif isinstance(spec.type, DoubleType):
        value = _DOUBLE
    elif spec.identifies == "person":
        value = f'"{_ADDRESS}"'
    else:
        value = f'"{_TEXT_CHARACTERS}*"' if spec.nullable else f'"{_VISIBLE_CHARACTERS}+"'
    return f"(?:{value}|null)" if spec.nullable else f"(?:{value})"


def _up_to(latest: int) -> str:
    """A pattern for the 13-digit numbers from 1000000000000 (2001) to `latest`; earlier ones are not canonical."""
    digits = str(latest)
    branches = [
        digits[:index] + (f"[{'1' if index == 0 else '0'}-{chr(ord(digit) - 1)}]") + f"[0-9]{{{12 - index}}}"
        for index, digit in enumerate(digits)
        if digit > ("1" if index == 0 else "0")
    ]
    return "|".join([*branches, digits])
