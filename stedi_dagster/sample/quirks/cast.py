"""Gives each quirk people of its own, with their readings and some customers besides, and writes its files.

The same number of people at every scale: the odd ways of delivering data do not grow with it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from stedi_dagster.sample.crowd import Crowd
from stedi_dagster.sample.lines import feed_lines
from stedi_dagster.sample.plan import ACCELEROMETER, CUSTOMER, FEEDS, STEP_TRAINER, OddFile
from stedi_dagster.sample.quirks import QUIRKS
from stedi_dagster.sample.quirks.histories import RESEARCH
from stedi_dagster.sample.quirks.kit import PAIR, Odd, Quirk, Record, owner_field

CUSTOMERS_BESIDES: Final = 11
"""Customers without readings that each quirk also delivers: so bad customer records stay under 4 %."""
STREAM: Final = 1

Person = dict[str, list[Record]]
"""The records of one person, by feed."""


def write_quirks(landing: Path, *, seed: int, people: int) -> Iterator[OddFile]:
    """Write the files of every quirk and say what is in them.

    Args:
        landing: The folder that holds the feeds.
        seed: As given to `generate`; other people than its own come of it.
        people: How many people there are already; the emails of the quirks' people count on from there.
    """
    everybody = _people(seed, people, sum(quirk.people + CUSTOMERS_BESIDES for quirk in QUIRKS))
    pairs = [quirk for quirk in QUIRKS if quirk.people == PAIR]
    willing = [person for person in everybody if RESEARCH in person[CUSTOMER][0]][: len(pairs)]
    unwilling = [person for person in everybody if RESEARCH not in person[CUSTOMER][0]][: len(pairs)]
    casts = {quirk.name: [yes, no] for quirk, yes, no in zip(pairs, willing, unwilling, strict=True)}
    taken = {id(person) for person in willing + unwilling}
    rest = iter([person for person in everybody if id(person) not in taken])

    for quirk in QUIRKS:
        cast = casts.get(quirk.name) or list(islice(rest, quirk.people))
        besides = list(islice(rest, CUSTOMERS_BESIDES))
        for feed in FEEDS:
            delivery = [person[feed] for person in (cast + besides if feed == CUSTOMER else cast)]
            for odd in quirk.make(feed, delivery):
                yield _write(landing, feed, quirk, odd)


def _people(seed: int, first: int, count: int) -> list[Person]:
    crowd = Crowd(seed, first, stream=STREAM, first=first).batch(count)
    lines = feed_lines(crowd)
    readings: dict[str, list[Record]] = defaultdict(list)
    for feed in (ACCELEROMETER, STEP_TRAINER):
        whose = owner_field(feed)
        for line in lines[feed]:
            record = json.loads(line)
            readings[record[whose]].append(record)
    return [
        {CUSTOMER: [json.loads(line)], ACCELEROMETER: readings[email], STEP_TRAINER: readings[serial]}
        for line, email, serial in zip(lines[CUSTOMER], crowd.emails, crowd.serials, strict=True)
    ]


def _write(landing: Path, feed: str, quirk: Quirk, odd: Odd) -> OddFile:
    path = Path(feed, "landing", odd.name or f"{feed}-{quirk.name.replace('_', '-')}{odd.suffix}")
    target = landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:  # two quirks must not choose one name
        file.write(odd.content)
    return OddFile(feed=feed, path=path, quirk=quirk.name, good=odd.good, bad=odd.bad, marker=odd.marker)
