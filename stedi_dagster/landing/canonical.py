"""Which files an engine may read by itself: those in which every line is in canonical form.

Engines disagree about, or silently lose, whatever is unusual (two objects on a line, a key in another case, a number
as a string, a time that is no whole number). A line that matches the feed's pattern leaves them nothing to disagree
about; a file with any other line is read by `documents` and `records`.
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
from stedi_dagster.contracts.base import Column, is_moment, latest_ms
from stedi_dagster.landing.feeds import DERIVED, POSITIVE_ZERO
from stedi_dagster.landing.files import RawFile

# No escapes, no control characters, no replacement character (which an engine may have put for invalid UTF-8), and
# none of the punctuation that the counts below rely on.
_TEXT_CHARACTERS = r'[^"\\{}:\x00-\x1f\x7f\x{FFFD}]'
_VISIBLE_CHARACTERS = r"[!#-9;-\[\]-z|~]"
# `contracts.base.ADDRESS`, in visible ASCII; what is beyond it is stored by its key, which is our own reader's to make.
_ADDRESS = r"[!#-'*+\--9=?A-Z^-z|~]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_GAP = r"[ \t]*"
_DOUBLE = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?(?:[eE]-?[0-9]{1,2})?"
_LONG = r"-?(?:0|[1-9][0-9]{0,17})"
# Patterns end in \z and not in $: the latter would let a line separator (U+2028, say) follow on the JVM.
_DATE = (
    r"^(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-9]))\z"
)
# What Python makes of a canonical value.
_JSON: dict[type[DataType], tuple[type, ...]] = {StringType: (str,), LongType: (int,), DoubleType: (int, float)}


@dataclass(frozen=True)
class Lines:
    """What a text read of some files found.

    `records` are lines with anything on them, `values` all their fields that are not null.
    """

    octets: int = 0
    lines: int = 0
    records: int = 0
    canonical: int = 0
    values: int = 0

    def accounts_for(self, files: Sequence[RawFile]) -> bool:
        """Whether every byte of the files was read (each may lack its last line's end) and all is canonical."""
        missing = sum(file.size for file in files) - self.octets
        return self.records == self.canonical and self.lines - len(files) <= missing <= self.lines


def pattern(contract: type[Contract], *, now_ms: int) -> str:
    """The regular expression of a feed's canonical line, in the syntax that Java and Rust share.

    Args:
        contract: the feed's contract.
        now_ms: the time of the run in epoch milliseconds, which bounds moments.
    """
    columns = raw_columns(contract)
    member = "|".join(f'"{re.escape(spec.name)}"{_GAP}:{_GAP}{_value(spec, now_ms)}' for spec in columns)
    fewest = sum(not spec.nullable for spec in columns) - 1
    more = rf"(?:{_GAP},{_GAP}(?:{member})){{{fewest},{len(columns) - 1}}}"
    return rf"^{_GAP}\{{{_GAP}(?:{member}){more}{_GAP}\}}[ \t\r]*\z"


def raw_columns(contract: type[Contract]) -> list[Column]:
    """The columns that stand in the raw records."""
    return [spec for spec in contract.columns() if spec.name not in DERIVED]


def scan(session: SparkSession, contract: type[Contract], files: Sequence[RawFile], *, now_ms: int) -> Lines:
    """Read files as text and count what is there. One pass, nothing is parsed.

    Raises:
        PySparkException: the engine cannot read one of the files as text.
    """
    line = F.col("value")
    is_record = F.trim(line) != ""
    columns = raw_columns(contract)
    if any(spec.nullable for spec in columns):
        # A canonical line has a colon for each field, and nowhere else.
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
    """The records of canonical files, typed, in the contract's columns."""
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

    All are tried at once. Where that fails, those whose first line is not canonical are put aside, and of the rest
    halves are tried, so that a few odd files among many cost a few passes.

    Args:
        session: the engine's session.
        contract: the feed's contract.
        files: whose names the engine can read.
        begins_well: whether the first line of a file is canonical, as `is_canonical_line` has it.
        now_ms: the time of the run in epoch milliseconds.
    """
    found = _try_scan(session, contract, files, now_ms=now_ms)
    if found is not None:
        return list(files), found
    return _halve(session, contract, [file for file in files if begins_well(file)], now_ms=now_ms)


def is_canonical_line(contract: type[Contract], line: bytes) -> bool:
    """Whether a line looks canonical. A guess that saves the engine passes: `scan` is what decides."""
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
    return left + right, _sum(left_lines, right_lines)


def _try_scan(
    session: SparkSession, contract: type[Contract], files: Sequence[RawFile], *, now_ms: int
) -> Lines | None:
    if not files:
        return Lines()
    try:
        found = scan(session, contract, files, now_ms=now_ms)
    except PySparkException:
        # A file that the engine cannot read as text (invalid UTF-8) is one for the other reader, which reports
        # what it cannot read either.
        return None
    return found if found.accounts_for(files) else None


def _sum(one: Lines, other: Lines) -> Lines:
    return Lines(
        one.octets + other.octets,
        one.lines + other.lines,
        one.records + other.records,
        one.canonical + other.canonical,
        one.values + other.values,
    )


def _hides_a_key(columns: Sequence[Column]) -> SparkColumn:
    """Whether a line may hold a key twice, once with null, which the count of its values would not tell."""
    line = F.col("value")
    twice = F.lit(False)
    for spec in columns:
        if spec.nullable:
            twice |= F.regexp_count(line, F.lit(f'"{re.escape(spec.name)}"')) > 1
    return F.when(line.contains("null"), twice).otherwise(F.lit(False))


def _has_the_keys(columns: Sequence[Column]) -> SparkColumn:
    """Whether a line has every key that must be there: by their number alone, optional ones might stand for them."""
    line = F.col("value")
    there = F.lit(True)
    if any(spec.nullable for spec in columns):
        for spec in columns:
            if not spec.nullable:
                there &= line.rlike(f'"{re.escape(spec.name)}"{_GAP}:')
    return there


def _is_iso_date(column: str) -> SparkColumn:
    """`records.is_iso_date`, for an engine."""
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
    """A pattern of the 13-digit numbers from 1000000000000 (2001) to `latest`; earlier ones are not canonical."""
    digits = str(latest)
    branches = [
        digits[:index] + (f"[{'1' if index == 0 else '0'}-{chr(ord(digit) - 1)}]") + f"[0-9]{{{12 - index}}}"
        for index, digit in enumerate(digits)
        if digit > ("1" if index == 0 else "0")
    ]
    return "|".join([*branches, digits])
