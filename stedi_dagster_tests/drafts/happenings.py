"""What happens to a landing zone between runs: files that are written, changed and removed."""

import json
from typing import Any

from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.scenario import T0, customer, reading, step

PEOPLE = ["ann@example.com", " Bob@example.com", "bob@example.com", "eve@example.com"]
DEVICES = ["serial-of-ann@example.com", "serial-of-bob@example.com", "Serial-of-eve@example.com", "nobodys"]


def _lines(*values: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


# What each run begins with, as a feed, a file's name and its text.
FIRST: list[tuple[str, str, str | None]] = [
    ("customer", "0.json", _lines(*(customer(email) for email in (*PEOPLE, "zoe@example.com")))),
    ("accelerometer", "0.json", _lines(*(reading(email, T0 + at) for email in PEOPLE for at in (50, 60, 70)))),
    ("step_trainer", "0.json", _lines(*(step(serial, T0 + at) for serial in DEVICES for at in (50, 70, 80)))),
]


# Somebody withdraws and agrees again, somebody is in doubt, a device gets a second carrier, readings come late and
# twice, files are changed and removed.
EVENTFUL: list[list[tuple[str, str, str | None]]] = [
    [
        ("accelerometer", "a.json", _lines(reading(at=T0 + 90), reading("bob@example.com", T0 + 10))),
        ("step_trainer", "a.json", _lines(step(at=T0 + 90), step(at=T0 + 90))),
        ("customer", "a.json", _lines(customer("bob@example.com", agreed=None, lastUpdateDate=T0 + 40))),
    ],
    [
        ("customer", "b.json", _lines(customer("bob@example.com", agreed=T0 + 45, lastUpdateDate=T0 + 45))),
        ("customer", "c.json", '{"email": "eve@example.com", "lastUpdateDate": %d,' % (T0 + 60)),  # noqa: UP031
        ("accelerometer", "a.json", _lines(reading(at=T0 + 95), reading("zoe@example.com", T0 + 50))),
    ],
    [
        ("customer", "d.json", _lines(customer("new@example.com", serial="serial-of-ann@example.com"))),
        ("customer", "c.json", None),
        ("step_trainer", "a.json", None),
        ("accelerometer", "0.json", None),
    ],
]


def happen(making: Making, feed: str, name: str, text: str | None) -> None:
    """Write a file, in the place of what it was, or, without a text, remove it."""
    path = making.scenario.landing / feed / "landing" / name
    if text is not None:
        making.scenario.land_text(feed, text, name=name)
    elif path.exists():
        path.unlink()
