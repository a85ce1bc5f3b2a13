"""The landing rules once more, slowly and in plain Python: what is said of odd files is held to them.

Only for these tests; the platform has its own readers.
"""

import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

STRINGS: Final = {
    "customer": ("email", "serialNumber"),
    "accelerometer": ("user",),
    "step_trainer": ("serialNumber",),
}
NUMBERS: Final = {
    "customer": (),
    "accelerometer": ("timestamp", "x", "y", "z"),
    "step_trainer": ("sensorReadingTime", "distanceFromObject"),
}
OPTIONAL_TIMES: Final = (
    "registrationDate",
    "lastUpdateDate",
    "shareWithResearchAsOfDate",
    "shareWithPublicAsOfDate",
    "shareWithFriendsAsOfDate",
)
TIMES: Final = {
    "customer": OPTIONAL_TIMES,
    "accelerometer": ("timestamp",),
    "step_trainer": ("sensorReadingTime",),
}
EARLIEST, LATEST = 946_684_800_000, 4_102_444_800_000  # 2000 and 2100
BAD: Final = object()


def read(feed: str, path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the good records of a file, keys spelt as in the contract, and the number of bad ones."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = b"".join(_unzipped(content))
    good, bad = [], 0
    for value in _values(content.decode("utf-8-sig", "surrogateescape")):
        record = _record(feed, value)
        if record is None:
            bad += 1
        else:
            good.append(record)
    return good, bad


def _unzipped(content: bytes) -> Iterator[bytes]:
    while content:
        member = zlib.decompressobj(wbits=31)
        yield member.decompress(content)
        content = member.unused_data


def _values(text: str) -> Iterator[object]:
    """Yield every value, elements of arrays one by one, and BAD for each stretch that is none."""
    decoder = json.JSONDecoder()
    place, in_array = 0, False
    while (place := _skip(text, place, ", \t\r\n" if in_array else " \t\r\n")) < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            if text[place] == "[" and not in_array:  # an array that never ends
                place, in_array = place + 1, True
                continue
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
            yield BAD
        else:
            yield from value if isinstance(value, list) else [value]


def _skip(text: str, place: int, blanks: str) -> int:
    while place < len(text) and text[place] in blanks:
        place += 1
    return place


def _record(feed: str, value: object) -> dict[str, Any] | None:
    if not isinstance(value, dict) or r"\udc" in ascii(value):
        return None
    known = {field.lower(): field for field in (*STRINGS[feed], *NUMBERS[feed], *TIMES[feed])}
    record = {known.get(key.lower(), key): each for key, each in value.items()} | {
        key: each for key, each in value.items() if key in known.values()
    }
    if not all(isinstance(record.get(field), str) for field in STRINGS[feed]):
        return None
    if not all(_number(record.get(field)) is not None for field in NUMBERS[feed]):
        return None
    for field in TIMES[feed]:
        if record.get(field) is not None:
            time = _number(record[field])
            if time is None or not EARLIEST <= time <= LATEST:
                return None
    return record


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
