"""What a file is read as: documents, and the reasons why a text is none."""

import re
from typing import Any, NamedTuple

NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not an object"
ARRAY_WITHOUT_END = "array without an end"
STRAY_SEPARATOR = "not a separator of JSON"
TOO_LONG = "longer than 64 MiB"
# What may stand between two documents and is in neither: not all that Python takes for white space.
BLANK = " \t\r\n\x1e\ufeff"
# Texts that never were a record: they count as texts, and not against the feed.
NOT_RECORDS = frozenset({STRAY_SEPARATOR})
# What is no text; zeros are, of what was never written.
_NO_TEXT = re.compile("[\x01-\x08\x0e-\x1d\x1f\x7f\udc80-\udcff]")


class Ambiguous:
    """Stands for the value of a key that an object holds twice with different values."""


class Document(NamedTuple):
    """One decoded JSON value, or (`reason` set) a stretch of text that is none.

    `weighs` says of a text that nobody can tell how many records it held: its lines and bytes count, too.
    """

    value: Any
    reason: str | None
    text: str
    line: int
    position: int
    weighs: bool = False

    @property
    def is_binary(self) -> bool:
        """Whether no letters can be looked for in it, as it is packed or encrypted: a third of it is no text."""
        if self.reason is None or not self.text:
            return False
        return 3 * sum(1 for _ in _NO_TEXT.finditer(self.text)) >= len(self.text)


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its keys and values; `Ambiguous` is the value of a key that is there with two."""
    record = dict(pairs)
    if len(record) != len(pairs):
        for key, value in pairs:
            if record[key] != value:
                record[key] = Ambiguous
    return record
