"""Turns people into lines of JSON, with the fields, order and spacing of the real feeds.

Every line is ASCII and ends in a newline. Built by hand rather than with `json`, as most of the time is spent here.
"""

from typing import Final

import numpy as np

from stedi_dagster.sample.crowd import Flags, People
from stedi_dagster.sample.plan import ACCELEROMETER, CUSTOMER, SESSION_TIMES, STEP_TRAINER

MOVES: Final = tuple(
    f'"x":{x},"y":{y},"z":{z}}}\n'
    for x, y, z in sorted(
        ((x, y, z) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0) for z in (-1.0, 0.0)),
        key=lambda axes: axes.count(0.0) > 0,
    )
)
"""The possible ends of an accelerometer line: the phone reports no others. First come those without an axis at rest."""
PEAKS: Final = 4
"""So many of them are the peak of a step."""
NEAR: Final = (201, 40)
FAR: Final = (231, 70)
"""The least distance, and of how many, while a foot is set down and otherwise: they overlap."""


def feed_lines(people: People) -> dict[str, list[str]]:
    """Return the lines of a batch of people, by feed: a person's lines together, the newest reading first."""
    stepping = _gait(people)
    return {
        CUSTOMER: customer_lines(people),
        ACCELEROMETER: accelerometer_lines(people, stepping),
        STEP_TRAINER: step_trainer_lines(people, stepping),
    }


def _gait(people: People) -> Flags:
    """Return when each person sets down a foot, shape (people, 30): every second to fourth time, one in ten amiss.

    Then the distance falls, and in four of five cases the first acceleration is a peak, which it is in one of five
    cases otherwise: so there is something to learn, and no detector can be always right.
    """
    count = people.times.shape[0]
    period, phase = 2 + people.dice.below(3, count), people.dice.below(12, count)
    in_time = (np.arange(SESSION_TIMES)[None, :] + phase[:, None]) % period[:, None] == 0
    amiss = (people.dice.below(10, people.times.size) == 0).reshape(-1, SESSION_TIMES)
    stepping: Flags = in_time ^ amiss
    return stepping


def customer_lines(people: People) -> list[str]:
    """Return one line per person; dates of sharing that are `NEVER` are left out, as on the website."""
    rows = zip(
        people.names,
        people.emails,
        people.phones,
        people.birthdays,
        people.serials,
        people.registered.tolist(),
        people.updated.tolist(),
        people.research.tolist(),
        people.public.tolist(),
        people.friends.tolist(),
        strict=True,
    )
    return [
        f'{{"customerName": "{name}", "email": "{email}", "phone": "{phone}", "birthDay": "{birthday}", '
        f'"serialNumber": "{serial}", "registrationDate": {registered}, "lastUpdateDate": {updated}'
        + (f', "shareWithResearchAsOfDate": {research}' if research >= 0 else "")
        + (f', "shareWithPublicAsOfDate": {public}' if public >= 0 else "")
        + (f', "shareWithFriendsAsOfDate": {friends}' if friends >= 0 else "")
        + "}\n"
        for name, email, phone, birthday, serial, registered, updated, research, public, friends in rows
    ]


def accelerometer_lines(people: People, stepping: Flags) -> list[str]:
    """Return two or three lines for each session time of each person; no two of them are equal."""
    readings = 2 + people.third.ravel()
    slots = np.repeat(np.arange(readings.size), readings)
    rank = np.arange(slots.size) - np.repeat(np.cumsum(readings) - readings, readings)

    # Three different moves: the first, and two others further on around the circle of moves.
    peaks = stepping.ravel() ^ (people.dice.below(5, readings.size) == 0)
    calm = PEAKS + people.dice.below(len(MOVES) - PEAKS, readings.size)
    first = np.where(peaks, people.dice.below(PEAKS, readings.size), calm)
    step = 1 + people.dice.below(len(MOVES) - 1, readings.size)
    other = 1 + people.dice.below(len(MOVES) - 2, readings.size)
    other += other >= step
    steps = np.stack([np.zeros_like(step), step, other], axis=1)
    moves = (first[slots] + steps[slots, rank]) % len(MOVES)

    heads = [
        f'{{"user":"{email}","timestamp":{time},'
        for email, times in zip(people.emails, people.times.tolist(), strict=True)
        for time in times
    ]
    return [heads[slot] + MOVES[move] for slot, move in zip(slots.tolist(), moves.tolist(), strict=True)]


def step_trainer_lines(people: People, stepping: Flags) -> list[str]:
    """Return one line for each session time of each person; distances are 201 to 300."""
    near, far = (least + people.dice.below(many, stepping.size).reshape(stepping.shape) for least, many in (NEAR, FAR))
    distances = np.where(stepping, near, far)
    return [
        f'{{"sensorReadingTime":{time},"serialNumber":"{serial}","distanceFromObject":{distance}}}\n'
        for serial, times, row in zip(people.serials, people.times.tolist(), distances.tolist(), strict=True)
        for time, distance in zip(times, row, strict=True)
    ]
