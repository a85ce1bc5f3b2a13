"""What a decoded record says by its fields: whose it is, and when it was written, read as landing reads them."""

import re
from collections.abc import Mapping
from typing import Any

from stedi_dagster.contracts import Contract, CustomerLanding
from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.landing.records import is_address, value_under

# When a person registered is the moment of a customer record that is held against the time of an erasure: one after it
# is a new registration.
REGISTERED = "registrationDate"
_WHOLE = re.compile(r"\s*[0-9]{1,19}\s*", re.ASCII)


def named_by(value: Any, people: str | None) -> list[str]:
    """Whom a customer record names: the one in its field, if an address is there, else everybody in its text."""
    owners = owners_of(value, CustomerLanding)
    return [owner for _, owner in owners] or split_lines(people)


def split_lines(text: str | None) -> list[str]:
    """The values of a column that holds several, one a line."""
    return text.split("\n") if text else []


def registration_of(record: Any) -> int | None:
    """When a customer record says that its person registered (epoch ms)."""
    return moment_of(record, REGISTERED)


def moment_of(record: Any, key: str) -> int | None:
    """The moment under a key (epoch ms), where landing would read one: a number, or a text of one."""
    value = _under(record, key)
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def owners_of(record: Any, contract: type[Contract]) -> list[tuple[Identifies, str]]:
    """Whose a record is, by the fields of its contract that say so.

    None where what is there is none, like "n/a" and "mailto:…".
    """
    said = ((spec.identifies, value_of(record, spec.name)) for spec in contract.owners())
    return [(kind, owner) for kind, owner in said if kind and owner and (kind != "person" or is_address(owner))]


def value_of(record: Any, key: str) -> str | None:
    """The text or number under a key."""
    value = _under(record, key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() else None


def _under(record: Any, key: str) -> Any:
    """What is under a key; None where landing reads nothing there, or the record says several things."""
    return value_under(record, key) if isinstance(record, Mapping) else None
