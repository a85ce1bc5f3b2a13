"""What stands for a text of customers from which somebody was erased: whom else it names, and nothing of the person.

The text may have been somebody else's withdrawal, so that it must go on meaning the others, as it did and when it did.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from stedi_dagster.contracts import CustomerLanding, Quarantine
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.fields import split_lines
from stedi_dagster.landing.decodings import readings
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.mentions import ERASED, Mentions
from stedi_dagster.landing.spellings import addresses_in, written_in

# What stands for the text itself.
WITHOUT = "(a text from which somebody was erased)"
# Stands beside the only other person whom a text named together with devices: that two are named with a device is why
# its readings are nobody's, and must go on. Nobody can have this address (RFC 2606).
SOMEBODY = "somebody@erased.invalid"
# Under which key landing looks for a serial number.
_DEVICE = CustomerLanding.identifying("device")[0].name
# What may stand between two addresses in a text, and in none.
_BETWEEN = re.compile(r'[\s"<>,;]+')


def others_in(text: str, named: Mentions, erasing: ErasureFilter) -> Mentions:
    """Whom and what a text names that names somebody who is erased, without them; when it was written stays.

    Args:
        text: the text.
        named: whom and what it names, as landing has it.
        erasing: who goes.
    """
    people = {person for person in split_lines(named.people) if not erasing.matches("person", person)} - {SOMEBODY}
    theirs = _read_beside(text, erasing)
    people = {
        person
        for person in people
        if erasing.is_known(person) or (person not in theirs and not _names(person, erasing))
    }
    devices = [one for one in split_lines(named.devices) if not erasing.matches("device", one)]
    if devices and len(people) == 1:
        people.add(SOMEBODY)
    return Mentions("\n".join(sorted(people)) or None, "\n".join(devices) or None, named.moment)


def remaining_rows(rows: pa.RecordBatch, erasing: ErasureFilter) -> pa.RecordBatch:
    """What stands for rows that go: of texts in quarantine that they named others, too, who may have withdrawn.

    Args:
        rows: of any table.
        erasing: who goes.
    """
    if set(rows.schema.names) != set(Quarantine.names()):
        return rows.slice(0, 0)
    left = []
    for row in rows.to_pylist():
        others = others_in(row["raw"], Mentions(row["people"], row["devices"], row["moment"]), erasing)
        if others.people:
            left.append(row | {"raw": WITHOUT, "people": others.people, "devices": others.devices})
    return pa.RecordBatch.from_pylist(left, schema=rows.schema)


def stub(others: Mentions, begun: Iterable[str] = ()) -> Document:
    """One text that is no record and names these people and devices; landing reads it as it reads any other.

    Args:
        others: whom and what it names, and when it was written.
        begun: how addresses begin that the text was cut within; so is this one then.
    """
    devices = [{_DEVICE: device} for device in split_lines(others.devices)]
    record: dict[str, Any] = {ERASED: WITHOUT, "people": _fewest(split_lines(others.people))}
    record |= {"devices": devices} if devices else {}
    record |= {} if others.moment is None else {"lastUpdateDate": others.moment}
    # Escapes would be read as letters of an address, too.
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    cut = max(begun, key=len, default="")
    return Document(None, None, f'{text[:-1]},"cut":"{cut}', 0, 0) if cut else Document(record, None, text, 0, 0)


def _read_beside(text: str, erasing: ErasureFilter) -> set[str]:
    """The addresses that stand only in what may be read as the address of who is erased, like a half of it."""
    pieces = {piece for one in readings(text) for piece in _BETWEEN.split(one) if "@" in piece}
    beside: set[str] = set()
    apart: set[str] = set()
    for piece in pieces:
        (beside if _names(piece, erasing) else apart).update(written_in(piece))
    return beside - apart


def _names(text: str, erasing: ErasureFilter) -> bool:
    return any(erasing.matches("person", person) for person in addresses_in(text))


def _fewest(people: Iterable[str]) -> list[str]:
    """The addresses in which all of them may be read: o'neil@… means neil@…, too."""
    fewest: list[str] = []
    read: set[str] = set()
    for person in sorted(people, key=len, reverse=True):
        if person not in read:
            fewest.append(person)
            read |= addresses_in(person)
    return sorted(fewest)
