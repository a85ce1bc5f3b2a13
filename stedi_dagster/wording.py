"""Numbers and times as people read them, for what is told of checks and audits."""

import re

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
    "columns": "column",
    "snapshots": "snapshot",
    "tables": "table",
    "files": "file",
    "erasures": "erasure",
    "feeds": "feed",
    "landing folders": "landing folder",
}
_NOUN = re.compile(rf"({'|'.join(_SINGULAR)})(?![\w])(.*)", re.DOTALL)
# What follows a noun, of one instead of several.
_OF_ONE = {
    " who have ": " who has ",
    " that are ": " that is ",
    " that have ": " that has ",
    " that do ": " that does ",
    " that were ": " that was ",
}
_OF_ONE |= {" that pair ": " that pairs ", " who agree ": " who agrees "}
_HOUR_S = 60 * 60
_DAYS_FROM = 48


def counted(number: int, what: str) -> str:
    """So many of something: "1 row without consent", "2 rows without consent".

    Args:
        number: how many.
        what: what is counted, in the plural; behind a name and a colon, the name stays in front.
    """
    name, colon, rest = what.partition(": ")
    if colon and _NOUN.fullmatch(rest):
        return f"{name}: {counted(number, rest)}"
    noun = _NOUN.fullmatch(what)
    if number == 1 and noun:
        after = noun[2]
        for several, one in _OF_ONE.items():
            # The first verb is the noun's; one behind it is somebody else's.
            if after.startswith(several):
                after = after.replace(several, one, 1)
        what = f"{_SINGULAR[noun[1]]}{after}"
    return f"{number:,} {what}"


def ago(seconds: float) -> str:
    """How long ago something was, in the largest unit that says enough."""
    hours = max(0, int(seconds // _HOUR_S))
    if not hours:
        return "less than an hour ago"
    if hours < _DAYS_FROM:
        return f"{hours} hour{'' if hours == 1 else 's'} ago"
    return f"{hours // 24:,} days ago"
