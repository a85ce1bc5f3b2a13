"""Files in a shape other than one JSON object per line; all their records are good.

Odd values of single records belong in `values`, broken files in `damage`.
"""

import json
from itertools import pairwise

from stedi_dagster.sample.plan import ACCELEROMETER
from stedi_dagster.sample.quirks.quirk import Delivery, Quirk, QuirkFile, Record, dumps, flat, gzipped, plain, text

BOM = b"\xef\xbb\xbf"


def concatenated(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Several objects on a line with nothing between them."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(text(b"".join(lines[start : start + 5]) for start in range(0, len(lines), 5)), len(lines))]


def pretty_printed(_feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Objects spread over many lines."""
    records = flat(delivery)
    return [QuirkFile("\n".join(json.dumps(record, indent=4) for record in records).encode(), len(records))]


def json_array(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """One JSON array that holds the records, on one line."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(b"[" + b",".join(lines) + b"]", len(lines))]


def pretty_array(_feed: str, delivery: Delivery) -> list[QuirkFile]:
    """One JSON array over many lines, its brackets on separate lines."""
    records = flat(delivery)
    return [QuirkFile((json.dumps(records, indent=2) + "\n").encode(), len(records))]


def gzip_lines(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A gzipped file with one object per line."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(gzipped(text(lines)), len(lines), suffix=".json.gz")]


def gzip_array(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A gzipped JSON array."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(gzipped(b"[" + b",\n".join(lines) + b"]\n"), len(lines), suffix=".json.gz")]


def gzip_concatenated(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A gzipped file of objects with nothing between them."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(gzipped(b"".join(lines)), len(lines), suffix=".json.gz")]


def gzip_members(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Several gzip files appended to each other, a record running from one into the next."""
    lines = dumps(feed, flat(delivery))
    content = text(lines)
    cuts = [0, len(content) // 3, 2 * len(content) // 3, len(content)]
    members = [gzipped(content[start:end]) for start, end in pairwise(cuts)]
    return [QuirkFile(b"".join(members), len(lines), suffix=".json.gz")]


def blank_lines(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Blank lines between the records, some of spaces and tabs."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(b"\n\n" + text(lines, b"\n\n  \t\n"), len(lines))]


def byte_order_mark(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A UTF-8 byte order mark before the first record."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(BOM + text(lines), len(lines))]


def windows_line_ends(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Lines that end in CRLF."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(text(lines, b"\r\n"), len(lines))]


def no_last_newline(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A last line without a line end."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(b"\n".join(lines), len(lines))]


def other_case_keys(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Keys in another case: timeStamp, serialnumber, Email, USER."""
    changes = (str.lower, str.upper, str.title, _camel)
    records = [
        {changes[number % len(changes)](key): value for key, value in record.items()}
        for number, record in enumerate(flat(delivery))
    ]
    return [plain(feed, records)]


def _camel(key: str) -> str:
    return "timeStamp" if key == "timestamp" else key[0].upper() + key[1:]


def numbers_as_strings(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Numbers in quotes: "1655564376361"."""
    records = [
        {key: str(value) if isinstance(value, int | float) else value for key, value in record.items()}
        for record in flat(delivery)
    ]
    return [plain(feed, records)]


def unknown_keys(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Extra keys, also objects and arrays, and strings that look like the end of a record."""
    extras: list[Record] = [
        {"firmware": "2.1.0", "battery": 87},
        {
            "device": {"model": {"name": "SX-2", "timestamp": 1}, "user": None},
            "tags": ["a", {"x": [1, 2]}, []],
        },
        {"note": '}{ "quoted" ]}\n{"user":"nobody"} \\'},
        {"": None, "ordered": False},
    ]
    records = [
        {**extras[number % len(extras)], **record} if number % 2 else {**record, **extras[number % len(extras)]}
        for number, record in enumerate(flat(delivery))
    ]
    return [plain(feed, records)]


def other_letters(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Letters beyond ASCII, as they are and as escapes of their code points."""
    key = "gerät" if feed == ACCELEROMETER else "customerName"
    names = ("Zoë Ångström", "Łukasz Żółć", "山田 花子", "Σίσυφος 🦶")
    records = [{**record, key: names[number % len(names)]} for number, record in enumerate(flat(delivery))]
    lines = [json.dumps(record, ensure_ascii=number % 2 == 0).encode() for number, record in enumerate(records)]
    return [QuirkFile(text(lines), len(lines))]


SHAPES = tuple(
    Quirk(make)
    for make in (
        concatenated,
        pretty_printed,
        json_array,
        pretty_array,
        gzip_lines,
        gzip_array,
        gzip_concatenated,
        gzip_members,
        blank_lines,
        byte_order_mark,
        windows_line_ends,
        no_last_newline,
        other_case_keys,
        numbers_as_strings,
        unknown_keys,
        other_letters,
    )
)
