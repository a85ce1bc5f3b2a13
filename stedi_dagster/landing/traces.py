"""Whom an unreadable customer record is about: what is left of it may be a withdrawal, and must count as one.

It means whoever's address may be read anywhere in it (`spellings`), and was written when it says so plausibly. What is
done with that is `policies.people`' matter.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.contracts.base import EARLIEST_MS, Identifies, latest_ms
from stedi_dagster.keys import key_of, stored
from stedi_dagster.landing.decodings import readings
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.records import said_under
from stedi_dagster.landing.spellings import addresses_in

_WRITTEN = ("lastUpdateDate", "registrationDate")


def _values_under(kind: Identifies) -> re.Pattern[str]:
    keys = "|".join(re.escape(spec.name) for spec in CustomerLanding.identifying(kind))
    return re.compile(rf'"(?:{keys})"\s*:\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL)


_ADDRESSES, _SERIALS = _values_under("person"), _values_under("device")
_BLANKS = re.compile(r"\s+")
# The key by which an erasure marks what it leaves of a text; the date there was that of the whole.
ERASED = "erased"


class Traces(NamedTuple):
    """The last columns of `Quarantine`."""

    people: str | None = None
    devices: str | None = None
    moment: int | None = None


def traces(document: Document, *, now_ms: int | None = None) -> Traces:
    """What a quarantined customer record names, however it is broken.

    Args:
        document: the record.
        now_ms: the time of the run in epoch milliseconds; without it, the present.
    """
    keyed: set[str] = set()
    devices: set[str] = set()
    for text in readings(document.text):
        # An address with blanks in it may have been broken apart.
        values = [value for value in _texts(text, _ADDRESSES) if "@" in value]
        keyed.update(*map(addresses_in, values), *(addresses_in(_BLANKS.sub("", value)) for value in values))
        devices.update(_texts(text, _SERIALS))
    # A device that is called like an address is nobody: else it would be carried by two.
    people = keyed | addresses_in(document.text).difference(map(key_of, devices))
    return Traces(_lines(people), _lines(map(stored, devices)), _moment(document.value, now_ms))


def said_by_keys(document: Document) -> Traces:
    """What the keys of a customer record name.

    Found in the text and not in the decoded object, which may hold a key twice, deep inside, or not be one at all.
    """
    text = document.text
    return Traces(_lines(_texts(text, _ADDRESSES)), _lines(_texts(text, _SERIALS)), _moment(document.value))


def _texts(text: str, values: re.Pattern[str]) -> Iterable[str]:
    for found in values.findall(text):
        try:
            yield json.loads(f'"{found}"', strict=False)
        except ValueError:
            yield found


def _lines(values: Iterable[str]) -> str | None:
    # A line break inside a value would make two of it; bytes that are no UTF-8 cannot be stored.
    kept = {value.replace("\n", " ").strip().encode("utf-8", "replace").decode() for value in values}
    return "\n".join(sorted(kept - {""})) or None


def _moment(value: Any, now_ms: int | None = None) -> int | None:
    """When a record says that it was written; None where it does not say so plausibly, or says several things.

    Such a record counts as the latest until it is repaired: an older agreement must not win by a broken clock, nor by
    the date of an envelope, which is none of the records' in it.
    """
    if not isinstance(value, Mapping) or (ERASED not in value and any(map(_holds_records, value.values()))):
        return None
    latest = latest_ms(time.time_ns() // 1_000_000 if now_ms is None else now_ms)
    for name in _WRITTEN:
        said = said_under(value, name)
        if said is not None:
            # Anything but a plain number is not trusted.
            return said if type(said) is int and EARLIEST_MS <= said <= latest else None
    return None


def _holds_records(item: Any) -> bool:
    """Whether it is an object or a list that names somebody."""
    try:
        return isinstance(item, Mapping | list) and "@" in str(item)
    except RecursionError:
        return True
