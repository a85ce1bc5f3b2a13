"""Measures how much of a feed cannot be read: in lines and bytes, as one text may have been a record or many.

A text that is or begins as an object counts as one record, whatever its size; any other, of which nobody knows how many
records it held, counts with its lines and bytes. What never was a record (separators written out, blanks, zeros) does
not count. How much may be unreadable is decided by the gate, in `audits`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from stedi_dagster.landing.documents import NOT_RECORDS, Document
from stedi_dagster.landing.formats import hides, is_damaged

_BINARY = "bytes that are no text"
# Fewer bytes are rubbish between records.
LEAST_BINARY = 512
_BLANK = dict.fromkeys(map(ord, "\x00 \t\r\n"))


@dataclass
class Weight:
    """Lines (of what is readable: records) and bytes of a feed, and how many of them cannot be read.

    `hidden` holds the files of which something cannot be looked into, each with the reason.
    """

    lines: int = 0
    bad_lines: int = 0
    octets: int = 0
    bad_octets: int = 0
    hidden: dict[str, str] = field(default_factory=dict)


class FileWeight:
    """Weighs one file document by document."""

    def __init__(self, weight: Weight) -> None:
        self._weight = weight
        self._hiding: str | None = None
        self._truncated: str | None = None
        self._objects = self._binary = 0

    def add(self, document: Document, *, landed: bool) -> None:
        """Count a document, which landed as a record or did not."""
        weight = self._weight
        self._objects += document.value is not None
        if document.reason is not None and is_damaged(document.reason):
            self._truncated = document.reason
        elif document.reason is not None and hides(document.reason):
            self._hiding = document.reason
        elif document.is_binary:
            self._binary += len(document.text)
        octets = len(document.text) if landed else len(document.text.translate(_BLANK))
        lines = 1 if landed or not document.weighs else 1 + document.text.strip().count("\n")
        if document.reason in NOT_RECORDS:
            return
        weight.lines += lines
        weight.octets += octets
        weight.bad_lines += 0 if landed else lines
        weight.bad_octets += octets if document.weighs else 0

    def end(self, name: str) -> None:
        """Record whether anything in the file could not be looked into; for a truncated file, whether all of it."""
        if self._binary >= LEAST_BINARY:
            self._hiding = _BINARY
        hiding = self._hiding or (None if self._objects else self._truncated)
        if hiding is not None:
            self._weight.hidden[name] = hiding


def bad_records(quarantined: Mapping[str, int]) -> int:
    """How many quarantined texts, counted by reason, may have been records."""
    return (Counter(quarantined) - Counter({reason: quarantined.get(reason, 0) for reason in NOT_RECORDS})).total()
