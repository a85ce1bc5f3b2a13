"""Formats numbers, times and units for people, in messages about checks and audits and in comments of columns."""

import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import unquote

_SINGULAR = {
    "data files": "data file",
    "metadata files": "metadata file",
    "rows": "row",
    "records": "record",
    "readings": "reading",
    "texts": "text",
    "people": "person",
    "customers": "customer",
    "serial numbers": "serial number",
    "participantIds": "participantId",
    "participants": "participant",
    "exports": "export",
    "columns": "column",
    "snapshots": "snapshot",
    "tables": "table",
    "files": "file",
    "erasures": "erasure",
    "feeds": "feed",
    "landing folders": "landing folder",
}
_NOUN = re.compile(rf"({'|'.join(_SINGULAR)})(?![\w])(.*)", re.DOTALL)
# What follows a noun: the singular for the plural.
_SINGULAR_VERBS = {
    " who have ": " who has ",
    " that are ": " that is ",
    " that have ": " that has ",
    " that do ": " that does ",
    " that were ": " that was ",
}
_SINGULAR_VERBS |= {" that pair ": " that pairs ", " who agree ": " who agrees "}
_WITH_UNIT = re.compile(r"(.*) \[([^\[\]]*)\]", re.DOTALL)
_HOUR_S = 60 * 60
_DAYS_FROM = 48


def counted(number: int, what: str) -> str:
    """A number of things: "1 row without consent", "2 rows without consent".

    Args:
        number: how many.
        what: what is counted, in the plural; a name with a colon before it stays in front.
    """
    name, colon, rest = what.partition(": ")
    if colon and _NOUN.fullmatch(rest):
        return f"{name}: {counted(number, rest)}"
    noun = _NOUN.fullmatch(what)
    if number == 1 and noun:
        after = noun[2]
        for plural, singular in _SINGULAR_VERBS.items():
            # Only the first verb belongs to the noun.
            if after.startswith(plural):
                after = after.replace(plural, singular, 1)
        what = f"{_SINGULAR[noun[1]]}{after}"
    return f"{number:,} {what}"


def has_address(text: str) -> bool:
    """Whether an address may stand in a text that is to name nobody, however its @ is written."""
    return "@" in unicodedata.normalize("NFKC", unquote(text))


def utc(at_ms: int) -> str:
    """A moment (epoch ms) to the second: "2026-01-31 23:59:58 UTC"."""
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(seconds: float) -> str:
    """How long ago something was, in the largest unit that is precise enough."""
    hours = max(0, int(seconds // _HOUR_S))
    if not hours:
        return "less than an hour ago"
    if hours < _DAYS_FROM:
        return f"{hours} hour{'' if hours == 1 else 's'} ago"
    return f"{hours // 24:,} days ago"


def with_unit(description: str, unit: str | None) -> str:
    """What a column means, with its unit: "Acceleration along x [m/s²]"."""
    return f"{description} [{unit}]" if unit else description


def without_unit(meaning: str) -> tuple[str, str | None]:
    """The description and the unit of what `with_unit` has made."""
    found = _WITH_UNIT.fullmatch(meaning)
    return (found[1], found[2]) if found else (meaning, None)
