"""What a decoded record says by its fields: whose it is, and when it was written, read as landing reads them."""

import re
from collections.abc import Mapping
from typing import Any

from stedi_dagster.landing.feeds import ADDRESSES
from stedi_dagster.landing.records import is_address, value_under

_WHOLE = re.compile(r"\s*[0-9]{1,19}\s*", re.ASCII)


def named_by(value: Any, people: str | None) -> list[str]:
    """Whom a customer record names: the one in its field, if an address is there, else everybody in its text."""
    owner = owner_of(value, "email")
    return split_lines(people) if owner is None else [owner]


def split_lines(text: str | None) -> list[str]:
    """The values of a column that holds several, one a line."""
    return text.split("\n") if text else []


def moment_of(record: Any, key: str) -> int | None:
    """The moment under a key (epoch ms), where landing would read one: a number, or a text of one."""
    value = _under(record, key)
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def owner_of(record: Any, key: str) -> str | None:
    """Whose a record is by the field that says so; None where what is there is none, like "n/a" and "mailto:…"."""
    owner = value_of(record, key)
    return None if owner is None or (key in ADDRESSES and not is_address(owner)) else owner


def value_of(record: Any, key: str) -> str | None:
    """The text or number under a key."""
    value = _under(record, key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() else None


def _under(record: Any, key: str) -> Any:
    """What is under a key; None where landing reads nothing there, or the record says several things."""
    return value_under(record, key) if isinstance(record, Mapping) else None
