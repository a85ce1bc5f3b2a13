"""Gives each quirk its own people, with their readings and some further customers, and writes its files.

The number of people is the same at every scale, as are the odd ways of delivering data.
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
from stedi_dagster.sample.quirks.quirk import PAIR, Quirk, QuirkFile, Record, owner_field

FURTHER_CUSTOMERS: Final = 11
"""Customers without readings that each quirk also delivers, so that bad customer records stay under 4 %."""
STREAM: Final = 1

Person = dict[str, list[Record]]
"""The records of one person, by feed."""


def write_quirks(landing: Path, *, seed: int, people: int) -> Iterator[OddFile]:
    """Write the files of every quirk and yield what is in them.

    Args:
        landing: The folder that holds the feeds.
        seed: As given to `generate`; gives different people here.
        people: How many people there are already; the numbers in the emails of the quirks' people start from there.
    """
    everybody = _people(seed, people, sum(quirk.people + FURTHER_CUSTOMERS for quirk in QUIRKS))
    pairs = [quirk for quirk in QUIRKS if quirk.people == PAIR]
    consenting = [person for person in everybody if RESEARCH in person[CUSTOMER][0]][: len(pairs)]
    others = [person for person in everybody if RESEARCH not in person[CUSTOMER][0]][: len(pairs)]
    people_of_pairs = {quirk.name: [yes, no] for quirk, yes, no in zip(pairs, consenting, others, strict=True)}
    taken = {id(person) for person in consenting + others}
    rest = iter([person for person in everybody if id(person) not in taken])

    for quirk in QUIRKS:
        quirk_people = people_of_pairs.get(quirk.name) or list(islice(rest, quirk.people))
        further = list(islice(rest, FURTHER_CUSTOMERS))
        for feed in FEEDS:
            delivery = [person[feed] for person in (quirk_people + further if feed == CUSTOMER else quirk_people)]
            for file in quirk.make(feed, delivery):
                yield _write(landing, feed, quirk, file)


def _people(seed: int, first: int, count: int) -> list[Person]:
    crowd = Crowd(seed, first, stream=STREAM, first=first).batch(count)
    lines = feed_lines(crowd)
    readings: dict[str, list[Record]] = defaultdict(list)
    for feed in (ACCELEROMETER, STEP_TRAINER):
        owner = owner_field(feed)
        for line in lines[feed]:
            record = json.loads(line)
            readings[record[owner]].append(record)
    return [
        {CUSTOMER: [json.loads(line)], ACCELEROMETER: readings[email], STEP_TRAINER: readings[serial]}
        for line, email, serial in zip(lines[CUSTOMER], crowd.emails, crowd.serials, strict=True)
    ]


def _write(landing: Path, feed: str, quirk: Quirk, file: QuirkFile) -> OddFile:
    path = Path(feed, "landing", file.name or f"{feed}-{quirk.name.replace('_', '-')}{file.suffix}")
    target = landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:  # two quirks must not choose the same name
        stream.write(file.content)
    return OddFile(feed=feed, path=path, quirk=quirk.name, good=file.good, bad=file.bad, marker=file.marker)
