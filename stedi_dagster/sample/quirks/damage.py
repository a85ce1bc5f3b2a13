"""Files that are broken, empty, delivered twice, or named so that engines overlook them.

Every good record of the people concerned exists undamaged somewhere: only copies are truncated or scrambled.
"""

from stedi_dagster.sample.plan import CUSTOMER
from stedi_dagster.sample.quirks.quirk import (
    Delivery,
    Quirk,
    QuirkFile,
    dumps,
    flat,
    gzipped,
    half,
    owner_field,
    plain,
    text,
    with_bad,
)

NAMES = (
    "session 1.json",
    "50% off%20.json",
    "date=2022-06-18.json",
    "all*.json",
    "x{y}.json",
    "a[1].json",
    "what?.json",
    "part#2.json",
    "a+b&c,d;e.json",
    "it's.json",
    "Prüfung-步.json",
)


def truncated_file(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A file that ends in the middle of a record."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(text(lines) + half(lines[0]), len(lines), 1)]


def truncated_array(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A JSON array that ends in the middle of a record."""
    lines = dumps(feed, flat(delivery))
    return [QuirkFile(b"[" + b",\n".join([*lines, half(lines[0])]), len(lines), 1)]


def truncated_gzip(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A gzip file cut short in the middle of a record."""
    lines = dumps(feed, flat(delivery))
    whole = gzipped(text(lines) + lines[0])
    checksums = 8
    return [QuirkFile(whole[: -checksums - len(half(lines[0]))], len(lines), 1, suffix=".json.gz")]


def binary_rubbish(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A file of bytes that mean nothing, counted as one bad record; among customers, where it would block, a line."""
    rubbish = bytes(byte for byte in range(256) if byte not in b'\t\n\v\f\r {}[]",\\\x1c\x1d\x1e\x1f\x85\xa0')
    if feed == CUSTOMER:
        return [with_bad(feed, flat(delivery), [rubbish])]
    return [QuirkFile(rubbish * 4, 0, 1), plain(feed, flat(delivery), f"{feed}-beside-rubbish.json")]


def invalid_utf8(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A copy of a record with bytes that are not UTF-8: a bad record."""
    records = flat(delivery)
    copy = {**records[0], owner_field(feed): "BYTES" + str(records[0][owner_field(feed)])}
    lines = dumps(feed, [*records, copy])
    lines[-1] = lines[-1].replace(b"BYTES", b"\xff\xc3\x28\xfe")
    return [QuirkFile(text(lines[-1:] + lines[:-1]), len(records), 1)]


def empty_files(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Files without any record: no bytes at all, only blanks, an empty array, an empty gzip file."""
    return [
        QuirkFile(b"", 0, name=f"{feed}-empty.json"),
        QuirkFile(b"\n  \n\r\n", 0, name=f"{feed}-blank.json"),
        QuirkFile(b"[]\n", 0, name=f"{feed}-nothing.json"),
        QuirkFile(gzipped(b""), 0, name=f"{feed}-empty.json.gz"),
        plain(feed, flat(delivery), f"{feed}-beside-empty.json"),
    ]


def nested_folders(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Folders in folders, one named like a partition and one with a space."""
    folders = ("2022/06/18", "year=2022/month=06", "late arrivals")
    records = flat(delivery)
    return [
        plain(feed, records[number :: len(folders)], f"{folder}/{feed}-nested.json")
        for number, folder in enumerate(folders)
    ]


def odd_names(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """File names with spaces, %, =, *, {}, [], ?, # and letters beyond ASCII."""
    records = flat(delivery)
    return [plain(feed, records[number :: len(NAMES)], name) for number, name in enumerate(NAMES)]


def marker_files(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Files whose names begin with _ or ., to be skipped even if they hold records."""
    copies = text(dumps(feed, flat(delivery)[:3]))
    return [
        QuirkFile(b"", 0, name="_SUCCESS", marker=True),
        QuirkFile(b"crc\x00\x00\x02\x00", 0, name=".part-0.crc", marker=True),
        QuirkFile(copies, 0, name=f"_{feed}-copy.json", marker=True),
        QuirkFile(copies, 0, name=f".{feed}-copy.json", marker=True),
        plain(feed, flat(delivery), f"{feed}-beside-markers.json"),
    ]


def delivered_twice(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A file delivered again under another name: exact duplicates."""
    records = flat(delivery)
    return [plain(feed, records, f"{feed}-delivered-{time}.json") for time in ("once", "again")]


def delivered_across_files(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A few records delivered again, in a file with others and in another order."""
    records = flat(delivery)
    return [plain(feed, [*reversed(records), *records[: len(records) // 3]])]


DAMAGE = tuple(
    Quirk(make)
    for make in (
        truncated_file,
        truncated_array,
        truncated_gzip,
        binary_rubbish,
        invalid_utf8,
        empty_files,
        nested_folders,
        odd_names,
        marker_files,
        delivered_twice,
        delivered_across_files,
    )
)
