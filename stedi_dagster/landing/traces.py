"""Whom an unreadable customer record is about: what is left of it may be a withdrawal, and must count as one.

What is done with that is `policies.people`' matter.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stedi_dagster.contracts.base import LARGEST_LONG
from stedi_dagster.landing.documents import Document

_EMAIL, _SERIAL = "email", "serialnumber"
_WRITTEN = ("lastupdatedate", "registrationdate")
_NAMES = {
    key: re.compile(rf'"{key}"\s*:\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL) for key in (_EMAIL, _SERIAL)
}
_ESCAPED = re.compile(r"(?:\\+u[0-9a-fA-F]{4})+")
_ESCAPE = re.compile(r"\\+u")
_ADDRESS = re.compile(r"[^\s\"'<>()\[\]{}:;,\\]+@[^\s\"'<>()\[\]{}:;,\\]+")


class Traces(NamedTuple):
    """The last columns of `Quarantine`."""

    people: str | None = None
    devices: str | None = None
    moment: int | None = None


def traces(document: Document) -> Traces:
    """What a quarantined customer record names, however it is broken.

    Where no key says whom it names, whatever looks like an address does: it may be encoded twice, or be no JSON at all.
    """
    found = said_by_keys(document)
    if found.people is not None:
        return found
    text = unescaped(document.text).replace('\\"', '"')
    people = _lines(_texts(text, _EMAIL)) or _lines(_ADDRESS.findall(text))
    return found._replace(people=people, devices=found.devices or _lines(_texts(text, _SERIAL)))


def said_by_keys(document: Document) -> Traces:
    """What the keys of a customer record name.

    Found in the text and not in the decoded object, which may hold a key twice, deep inside, or not be one at all.
    """
    text = document.text
    return Traces(_lines(_texts(text, _EMAIL)), _lines(_texts(text, _SERIAL)), _moment(document.value))


def unescaped(text: str) -> str:
    """A text with the letters that JSON escapes as themselves, however often it was escaped."""
    if "\\u" not in text:
        return text
    # Letters beyond the first 65,536 are escaped as two.
    return _ESCAPED.sub(lambda found: bytes.fromhex(_ESCAPE.sub("", found[0])).decode("utf-16-be", "replace"), text)


def _texts(text: str, key: str) -> Iterable[str]:
    for found in _NAMES[key].findall(text):
        try:
            yield json.loads(f'"{found}"', strict=False)
        except ValueError:
            yield found


def _lines(values: Iterable[str]) -> str | None:
    # A line break inside a value would make two of it; bytes that are no UTF-8 cannot be stored.
    kept = {value.replace("\n", " ").strip().encode("utf-8", "replace").decode() for value in values}
    return "\n".join(sorted(kept - {""})) or None


def _moment(value: Any) -> int | None:
    if not isinstance(value, Mapping):
        return None
    folded = {key.casefold(): item for key, item in value.items()}
    for key in _WRITTEN:
        item = folded.get(key)
        if item is not None:
            # Anything but a plain number is not trusted: the record then counts as the latest.
            return item if type(item) is int and 0 <= item <= LARGEST_LONG else None
    return None
