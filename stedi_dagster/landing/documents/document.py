"""Documents, which files are read as, and the reasons why a stretch of text is not JSON.

The reasons are stored in the quarantine tables.
"""

import re
from typing import Any, NamedTuple

NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not an object"
ARRAY_WITHOUT_END = "array without an end"
STRAY_SEPARATOR = "not a separator of JSON"
TOO_LONG = "longer than 64 MiB"
# May separate two documents and belongs to neither; Python counts more characters as white space.
BLANK = " \t\r\n\x1e\ufeff"
# Texts that never were records: they count as texts, but not against the feed.
NOT_RECORDS = frozenset({STRAY_SEPARATOR})
# Characters that are not text; zeros are left out, as they are space that was never written.
_NO_TEXT = re.compile("[\x01-\x08\x0e-\x1d\x1f\x7f\udc80-\udcff]")


class Ambiguous:
    """Takes the place of a value if an object holds its key twice with different values."""


class Document(NamedTuple):
    """One decoded JSON value, or (with a `reason`) a stretch of text that is not one.

    `weighs` marks a text that may have held any number of records: its lines and bytes count, too.
    """

    value: Any
    reason: str | None
    text: str
    line: int
    position: int
    weighs: bool = False

    @property
    def is_binary(self) -> bool:
        """Whether it cannot be searched for letters, as if packed or encrypted: a third of it is not text."""
        if self.reason is None or not self.text:
            return False
        return 3 * sum(1 for _ in _NO_TEXT.finditer(self.text)) >= len(self.text)


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from its keys and values; a key with two different values gets `Ambiguous`."""
    record = dict(pairs)
    if len(record) != len(pairs):
        for key, value in pairs:
            if record[key] != value:
                record[key] = Ambiguous
    return record
