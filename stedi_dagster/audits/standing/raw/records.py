"""What one text of a customer file says: whose record it is and whether they agree, or only when it was written.

The rules of the landing tables once more, from their description, by code of its own: `landing.records` reads what the
tables are made of, and a fault there must not hide its own effect.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stedi_dagster.contracts.base import EARLIEST_MS

# The moment of a refusal that does not say when it was made: it counts as the last word.
UNDATED = math.inf
_TEXTS = ("customerName", "email", "phone", "birthDay", "serialNumber")
_SHARES = "shareWithResearchAsOfDate"
_MOMENTS = ("registrationDate", "lastUpdateDate", _SHARES, "shareWithPublicAsOfDate", "shareWithFriendsAsOfDate")
_FIELDS = {name.lower(): name for name in (*_TEXTS, *_MOMENTS)}
_REQUIRED = ("email", "serialNumber")
_DIGITS = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_ADDRESS = re.compile(r"""\s*[^\s"(),:;<>@\[\]\\{}]+@[^\W_]?[\w-]*(?:\.[\w-]+)*\s*""")
# What stands between two documents.
_BETWEEN = "\ufeff\x1e \t\r\n"
_TWICE = object()
_AROUND = " \t\n\r\f\v"
_SURROGATE = re.compile("[\ud800-\udfff]")
# Keys are the same in record after record.
_REMEMBERED = 1 << 10


@dataclass(frozen=True, order=True)
class Word:
    """What a record says about one person: the later one holds, and of two at once the refusal."""

    moment: float
    refuses: bool


@dataclass(frozen=True)
class Record:
    """A record that can be read: the address as it stands there, and what it says of whoever it belongs to."""

    email: str
    word: Word


class _NoRecordError(Exception):
    """Why a text is none; never leaves this module."""


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, in order, a key that stands there twice also."""


def record_of(text: str, latest_ms: int) -> Record | None:
    """What a text says as a record; None where it is none.

    Args:
        text: one document of a customer file.
        latest_ms: the latest plausible moment (epoch ms).
    """
    value = _decoded(text, _Pairs)
    if not isinstance(value, _Pairs):
        return None
    try:
        return _read(_fields(value), latest_ms)
    except _NoRecordError:
        return None


def written_at(text: str, latest_ms: int) -> int | None:
    """When a text that is no record was written (epoch ms); None where it does not say, not plausibly or in two ways.

    The date around several records is none of theirs; that of what stands for an erased text was.

    Args:
        text: one document of a customer file.
        latest_ms: the latest plausible moment.
    """
    value = _decoded(text, _mapping)
    if not isinstance(value, Mapping) or ("erased" not in value and any(map(_names_within, value.values()))):
        return None
    for key in ("lastupdatedate", "registrationdate"):
        said = [one for name, one in value.items() if name.casefold() == key and one is not None]
        if said:
            first = said[0]
            alike = all(type(one) is int and one == first for one in said)
            return first if alike and EARLIEST_MS <= first <= latest_ms else None
    return None


def _names_within(item: Any) -> bool:
    waiting = [item] if isinstance(item, Mapping | list) else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and "@" in one:
            return True
        if isinstance(one, Mapping | list):
            waiting.extend(one.values() if isinstance(one, Mapping) else one)
    return False


def _decoded(text: str, make: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    """The JSON of a text, its objects made by `make`; None where it is none."""
    try:
        return json.loads(text.strip(_BETWEEN), object_pairs_hook=make)
    except (ValueError, RecursionError):
        return None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key with two values says nothing that can be relied on."""
    made: dict[str, Any] = {}
    for key, item in pairs:
        made[key] = item if made.get(key, item) == item else _TWICE
    return made


def _read(fields: dict[str, Any], latest_ms: int) -> Record:
    for name in _TEXTS:
        _check_text(fields.get(name), is_required=name in _REQUIRED)
    if not _ADDRESS.fullmatch(str(fields["email"])):
        raise _NoRecordError
    moments = {name: _moment(fields.get(name), latest_ms) for name in _MOMENTS}
    refuses = moments[_SHARES] is None
    written = moments["lastUpdateDate"] or moments["registrationDate"]
    return Record(str(fields["email"]), Word(written or (UNDATED if refuses else 0), refuses))


def _fields(pairs: _Pairs) -> dict[str, Any]:
    """The values by the contract's names in any case; one that is there in two ways makes it no record."""
    said: dict[str, list[tuple[bool, Any]]] = {}
    for key, item in pairs:
        name, is_read = _field(key)
        if name is not None:
            said.setdefault(name, []).append((is_read, item))
    for items in said.values():
        first = items[0][1]
        agree = all(isinstance(item, bool) == isinstance(first, bool) and item == first for _, item in items)
        if not agree and any(is_read for is_read, _ in items):
            raise _NoRecordError
    return {name: item for name, items in said.items() for is_read, item in items if is_read}


@lru_cache(_REMEMBERED)
def _field(key: str) -> tuple[str | None, bool]:
    """The contract's name that a key spells, and whether landing reads that spelling."""
    letters = "".join(one for one in unicodedata.normalize("NFKC", key) if one.isalnum()).casefold()
    return _FIELDS.get(letters), key.casefold() == letters


def _check_text(item: Any, *, is_required: bool) -> None:
    if item is None and not is_required:
        return
    if isinstance(item, bool) or not isinstance(item, str | int):
        raise _NoRecordError
    if is_required and not str(item).strip():
        raise _NoRecordError
    if _SURROGATE.search(str(item)):
        raise _NoRecordError


def _moment(item: Any, latest_ms: int) -> int | None:
    if item is None or (isinstance(item, str) and not item.strip()):
        return None
    if isinstance(item, str) and _DIGITS.fullmatch(item.strip(_AROUND)):
        item = int(item)
    if isinstance(item, float) and item.is_integer():
        item = int(item)
    if isinstance(item, bool) or not isinstance(item, int) or not EARLIEST_MS <= item <= latest_ms:
        raise _NoRecordError
    return item
