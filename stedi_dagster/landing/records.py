"""Turns JSON objects into records: reads their fields with the contract's types, or says why an object is not one.

Derived from the feed's contract; a reason names fields and rules, never a value. Texts that are not JSON end in
`documents`.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from pyspark.sql.types import DoubleType, LongType, StringType

from stedi_dagster.contracts import Contract
from stedi_dagster.contracts.base import ADDRESS, AHEAD_OF_RUN_MS, EARLIEST_MS, is_moment, latest_ms
from stedi_dagster.contracts.columns import Column
from stedi_dagster.keys import stored
from stedi_dagster.landing.documents import Ambiguous
from stedi_dagster.landing.feeds import DERIVED, POSITIVE_ZERO, is_key

# Keys are few, and spelled alike.
_REMEMBERED = 1 << 10

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*", re.ASCII)
_NUMBER = re.compile(
    r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)\s*", re.ASCII | re.IGNORECASE
)
_IS_ADDRESS = re.compile(ADDRESS)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NO_LETTERS = re.compile(r"[\W_]+")
_LONG = range(-(2**63), 2**63)

Row = tuple[Any, ...]


class _UnreadableError(Exception):
    """Why an object is not a record; never leaves this module."""


class _TooEarlyError(_UnreadableError):
    """The object is not a record yet: one of its times is still in the future."""

    def __init__(self, reason: str, due_ms: int) -> None:
        super().__init__(reason)
        self.due_ms = due_ms


class RecordReader:
    """Reads the objects of one feed under its contract.

    Attributes:
        due_ms: when (epoch ms) the first object refused for lying in the future will no longer be; None if there is
            none.
    """

    def __init__(self, contract: type[Contract], *, now_ms: int) -> None:
        """Prepare to read during a run that began at `now_ms` (epoch milliseconds)."""
        columns = contract.columns()
        self.due_ms: int | None = None
        self._derives_birthday = "birthDayValid" in {spec.name for spec in columns}
        self._columns = [spec for spec in columns if spec.name not in DERIVED]
        self._by_folded = {spec.name.casefold(): spec.name for spec in self._columns}
        self._by_spelling = {spelling(spec.name): spec.name for spec in self._columns}
        self._convert = {spec.name: _converter(spec, now_ms) for spec in self._columns}
        self._birthday_after = next(
            (index for index, spec in enumerate(self._columns, 1) if spec.name == "birthDay"), 0
        )

    def read(self, value: Mapping[str, Any]) -> tuple[Row, None] | tuple[None, str]:
        """Return the row in the contract's column order, or the reason why the object is not a record."""
        try:
            fields = self._fields(value)
            row = [self._convert[spec.name](fields.get(spec.name)) for spec in self._columns]
        except _TooEarlyError as early:
            self.due_ms = early.due_ms if self.due_ms is None else min(self.due_ms, early.due_ms)
            return None, str(early)
        except _UnreadableError as unreadable:
            return None, str(unreadable)
        if self._derives_birthday:
            row.insert(self._birthday_after, is_iso_date(row[self._birthday_after - 1]))
        return tuple(row), None

    def _fields(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The object's values by the contract's names, in upper or lower case.

        A repeated key must have the same value, also in another case or in other spellings, which are not read.
        """
        fields: dict[str, Any] = {}
        others: list[tuple[str, Any]] = []
        for key, item in value.items():
            name = self._by_folded.get(key.casefold())
            if name is None:
                name = self._by_spelling.get(spelling(key))
                if name is not None:
                    others.append((name, item))
                continue
            if item is Ambiguous or (name in fields and not _is_same(fields[name], item)):
                raise _UnreadableError(f"{name} is there twice with different values")
            fields[name] = item
        for name, item in others:
            if name in fields and (item is Ambiguous or not _is_same(fields[name], item)):
                raise _UnreadableError(f"{name} is there twice with different values")
        return fields


def value_under(record: Mapping[str, Any], name: str) -> Any:
    """An object's value under a column's name, as `RecordReader` reads it.

    None if the name is missing in any case; `Ambiguous` if it is repeated, in whatever spelling, with another value.
    """
    folded, spelt = name.casefold(), spelling(name)
    read = [item for key, item in record.items() if key.casefold() == folded]
    others = [item for key, item in record.items() if key.casefold() != folded and spelling(key) == spelt]
    if not read:
        return None
    return read[0] if all(_is_same(read[0], item) for item in (*read[1:], *others)) else Ambiguous


def is_address(text: str) -> bool:
    """Whether a text has the form of an address: only an address identifies a person."""
    return bool(_IS_ADDRESS.search(stored(text)))


@lru_cache(_REMEMBERED)
def spelling(key: str) -> str:
    """A key without what distinguishes its spellings: the forms and case of letters, and anything but letters."""
    return _NO_LETTERS.sub("", key if key.isascii() else unicodedata.normalize("NFKC", key)).casefold()


def _is_same(left: Any, right: Any) -> bool:
    """Whether two values are the same to a reader; true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def is_iso_date(text: str | None) -> bool | None:
    """Whether a birthday is a date of the form YYYY-MM-DD; None for no birthday."""
    if text is None:
        return None
    if not _ISO_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _converter(spec: Column, now_ms: int) -> Callable[[Any], Any]:
    read: Callable[[Any, str], Any] = {
        StringType: _string,
        LongType: _long,
        DoubleType: _double,
    }[type(spec.type)]
    latest = latest_ms(now_ms)

    def convert(item: Any) -> Any:
        if item is None:
            if not spec.nullable:
                raise _UnreadableError(f"{spec.name} is missing")
            return None
        if spec.nullable and is_moment(spec) and isinstance(item, str) and not item.strip():
            return None  # converters from CSV write blanks for a missing time
        value = read(item, spec.name)
        if is_key(spec):
            value = stored(value)
        if not spec.nullable and isinstance(value, str) and not value.strip():
            raise _UnreadableError(f"{spec.name} is blank")
        if spec.identifies == "person" and not is_address(value):
            raise _UnreadableError(f"{spec.name} is no address")
        if is_moment(spec) and value < EARLIEST_MS:
            raise _UnreadableError(f"{spec.name} is before 2000")
        if is_moment(spec) and value > latest:
            raise _TooEarlyError(f"{spec.name} is in the future", value - AHEAD_OF_RUN_MS)
        return value

    return convert


def _string(item: Any, name: str) -> str:
    if isinstance(item, bool) or not isinstance(item, str | int):
        raise _UnreadableError(f"{name} has the wrong type")
    text = str(item)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _UnreadableError(f"{name} is not UTF-8") from None
    return text


def _long(item: Any, name: str) -> int:
    if (isinstance(item, str) and _INTEGER.fullmatch(item)) or (isinstance(item, float) and item.is_integer()):
        item = int(item)
    if isinstance(item, bool) or not isinstance(item, int):
        raise _UnreadableError(f"{name} has the wrong type")
    if item not in _LONG:
        raise _UnreadableError(f"{name} is out of range")
    return item


def _double(item: Any, name: str) -> float:
    if isinstance(item, bool) or not isinstance(item, str | int | float):
        raise _UnreadableError(f"{name} has the wrong type")
    if isinstance(item, str) and not _NUMBER.fullmatch(item):
        raise _UnreadableError(f"{name} has the wrong type")
    try:
        number = float(item)
    except OverflowError:
        raise _UnreadableError(f"{name} is out of range") from None
    if not math.isfinite(number):
        raise _UnreadableError(f"{name} is not finite")
    return number + POSITIVE_ZERO
