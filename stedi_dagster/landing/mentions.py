"""Finds whom an unreadable customer record is about: it may be a withdrawal, and must count as one.

It means everyone whose address can be read anywhere in it (`spellings`), and counts as written at the time it states,
if that is plausible. What follows from it is decided in `policies.people`.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.contracts.base import EARLIEST_MS, latest_ms
from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.keys import key_of, stored
from stedi_dagster.landing.decodings import readings
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.records import value_under
from stedi_dagster.landing.spellings import addresses_in

_WRITTEN = ("lastUpdateDate", "registrationDate")


def _pattern_of(kind: Identifies) -> re.Pattern[str]:
    keys = "|".join(re.escape(spec.name) for spec in CustomerLanding.identifying(kind))
    return re.compile(rf'"(?:{keys})"\s*:\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL)


_ADDRESSES, _SERIALS = _pattern_of("person"), _pattern_of("device")
_BLANKS = re.compile(r"\s+")
# The key by which an erasure marks what it leaves of a text; its date was that of the whole text.
ERASED = "erased"


class Mentions(NamedTuple):
    """The last columns of `Quarantine`."""

    people: str | None = None
    devices: str | None = None
    moment: int | None = None


def mentions_of(document: Document, *, now_ms: int | None = None) -> Mentions:
    """Whom and which devices a quarantined customer record names, however it is broken.

    Args:
        document: the record.
        now_ms: the time of the run in epoch milliseconds; the present by default.
    """
    people_in_keys: set[str] = set()
    devices: set[str] = set()
    for text in readings(document.text):
        # Blanks may have broken an address apart.
        values = [value for value in _values_of(text, _ADDRESSES) if "@" in value]
        people_in_keys.update(*map(addresses_in, values), *(addresses_in(_BLANKS.sub("", value)) for value in values))
        devices.update(_values_of(text, _SERIALS))
    # A serial number that looks like an address is not a person: otherwise two people would carry the device.
    people = people_in_keys | addresses_in(document.text).difference(map(key_of, devices))
    return Mentions(_joined(people), _joined(map(stored, devices)), _moment(document.value, now_ms))


def mentions_in_keys(document: Document) -> Mentions:
    """What the keys of a customer record name.

    Searches the text, not the decoded object, which may hold a key twice or deep inside, or may not be an object.
    """
    text = document.text
    return Mentions(_joined(_values_of(text, _ADDRESSES)), _joined(_values_of(text, _SERIALS)), _moment(document.value))


def _values_of(text: str, pattern: re.Pattern[str]) -> Iterable[str]:
    for found in pattern.findall(text):
        try:
            yield json.loads(f'"{found}"', strict=False)
        except ValueError:
            yield found


def _joined(values: Iterable[str]) -> str | None:
    # A line break within a value would split it in two; bytes that are not UTF-8 cannot be stored.
    kept = {value.replace("\n", " ").strip().encode("utf-8", "replace").decode() for value in values}
    return "\n".join(sorted(kept - {""})) or None


def _moment(value: Any, now_ms: int | None = None) -> int | None:
    """When a record was written according to itself; None if it states no plausible time, or several.

    Without one, a record counts as the latest until it is repaired: an older agreement must not win because of a broken
    clock, nor because of the date of an envelope, which is not that of the records in it.
    """
    if not isinstance(value, Mapping) or (ERASED not in value and any(map(_holds_records, value.values()))):
        return None
    latest = latest_ms(time.time_ns() // 1_000_000 if now_ms is None else now_ms)
    for name in _WRITTEN:
        stated = value_under(value, name)
        if stated is not None:
            # Only a plain number is trusted.
            return stated if type(stated) is int and EARLIEST_MS <= stated <= latest else None
    return None


def _holds_records(item: Any) -> bool:
    """Whether an item is an object or a list that names somebody."""
    try:
        return isinstance(item, Mapping | list) and "@" in str(item)
    except RecursionError:
        return True
