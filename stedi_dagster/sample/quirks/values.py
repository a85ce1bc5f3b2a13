"""Records whose fields are missing, wrong or odd: bad copies among the good records that they were made from.

By the landing rules, only optional fields may be absent, and only birthdays may be nonsense.
"""

import math
from typing import Final

from stedi_dagster.sample.plan import ACCELEROMETER, CUSTOMER, STEP_TRAINER
from stedi_dagster.sample.quirks.quirk import (
    Delivery,
    Quirk,
    QuirkFile,
    Record,
    dump,
    dumps,
    flat,
    plain,
    required,
    text,
    time_field,
    with_bad,
)

WRONG_TYPES: Final[dict[str, tuple[Record, ...]]] = {
    CUSTOMER: ({"email": ["a@example.com"]}, {"serialNumber": {"id": 7}}, {"registrationDate": "yesterday"}),
    ACCELEROMETER: (
        {"user": {"email": "a@example.com"}},
        {"timestamp": "soon"},
        {"x": "left"},
        {"y": [1.0]},
        {"z": True},
    ),
    STEP_TRAINER: ({"sensorReadingTime": "noon"}, {"serialNumber": ["7"]}, {"distanceFromObject": "near"}),
}
NOT_FINITE: Final[dict[str, tuple[Record, ...]]] = {
    CUSTOMER: ({"lastUpdateDate": math.nan},),
    ACCELEROMETER: (
        {"x": math.nan},
        {"y": math.inf},
        {"z": -math.inf},
        {"x": "NaN"},
        {"timestamp": math.inf},
    ),
    STEP_TRAINER: ({"distanceFromObject": math.nan}, {"sensorReadingTime": -math.inf}),
}
ABSURD_TIMES: Final = (
    -1_655_564_376_361,  # 1917
    86_400_000,  # 2 January 1970
    1_655_564_376,  # seconds, not milliseconds
    946_684_799_999,  # the last millisecond before 2000
    7_258_118_400_000,  # 2200
    10**25,  # more than 64 bits hold
)


def _spoilt(feed: str, delivery: Delivery, changes: tuple[Record, ...]) -> list[QuirkFile]:
    records = flat(delivery)
    copies = [{**records[number % len(records)], **change} for number, change in enumerate(changes)]
    return [with_bad(feed, records, dumps(feed, copies))]


def missing_fields(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Copies of a record without a required field, and an object without any: bad records."""
    records = flat(delivery)
    copies = [{key: value for key, value in records[0].items() if key != field} for field in required(feed)]
    return [with_bad(feed, records, dumps(feed, [*copies, {}]))]


def null_fields(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Copies of a record with null in a required field: bad records."""
    return _spoilt(feed, delivery, tuple({field: None} for field in required(feed)))


def wrong_types(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Copies of records with words for numbers, objects and arrays for strings: bad records."""
    return _spoilt(feed, delivery, WRONG_TYPES[feed])


def not_finite(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Copies of records with NaN or Infinity in them: bad records."""
    return _spoilt(feed, delivery, NOT_FINITE[feed])


def absurd_times(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Copies of records from before 2000, from 2200, in seconds, or negative: bad records."""
    times = ABSURD_TIMES[::2] if feed == CUSTOMER else ABSURD_TIMES
    return _spoilt(feed, delivery, tuple({time_field(feed): time} for time in times))


def not_objects(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Lines that hold a number, a string, null, true, or no JSON at all: bad records."""
    return [with_bad(feed, flat(delivery), [b"42", b'"just a text"', b"null", b"true", b"no JSON at all"])]


def same_key_twice(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A second key in another case with the same value."""
    records = flat(delivery)
    key = "timestamp" if feed == ACCELEROMETER else "serialNumber"
    extra: list[Record] = [{key.upper(): record[key]} for record in records]
    return [
        plain(
            feed,
            [
                {**record, **more} if number % 2 else {**more, **record}
                for number, (record, more) in enumerate(zip(records, extra, strict=True))
            ],
        )
    ]


def odd_birthdays(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Birthdays that are not dates, empty, null or missing: landed, with the text as delivered."""
    records = flat(delivery)
    if feed != CUSTOMER:
        return [plain(feed, records)]
    birthdays = ("13/45/1990", "unknown", "", "1990-02-30", "01/02/1990", None)
    changed = [{**record, "birthDay": birthdays[number % 6]} for number, record in enumerate(records)]
    without = [{key: value for key, value in record.items() if key != "birthDay"} for record in records[-2:]]
    return [plain(feed, [*changed[:-2], *without])]


def optional_fields_missing(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers with little more than an email and a serial number, or with shares that are null: landed."""
    records = flat(delivery)
    if feed != CUSTOMER:
        return [plain(feed, records)]
    dates = ("shareWithResearchAsOfDate", "shareWithPublicAsOfDate", "shareWithFriendsAsOfDate")
    lines = [dump(feed, {**dict.fromkeys(dates), **record}) for record in records[::2]]
    bare = ("email", "serialNumber", "shareWithResearchAsOfDate")
    lines += [dump(feed, {key: record[key] for key in bare if key in record}) for record in records[1::2]]
    return [QuirkFile(text(lines), len(lines))]


VALUES = tuple(
    Quirk(make)
    for make in (
        missing_fields,
        null_fields,
        wrong_types,
        not_finite,
        absurd_times,
        not_objects,
        same_key_twice,
        odd_birthdays,
        optional_fields_missing,
    )
)
