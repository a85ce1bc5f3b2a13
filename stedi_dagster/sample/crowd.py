"""The sample's people: who they are, when they signed up, what they share, and the times of their session.

Everything is drawn in batches from the seed, with the shares of the public data. How records look is in `lines`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stedi_dagster.sample.names import FIRST_NAMES, LAST_NAMES
from stedi_dagster.sample.plan import (
    CONSENTING,
    SESSION_TIMES,
    THIRD_READING_CONSENTING,
    THIRD_READING_OTHERS,
    Quota,
)

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OPENING: Final = 1_655_564_000_000
"""The first person signs up after this time (epoch ms): 18 June 2022, as in the public data."""
ARRIVAL_MS: Final = 205
"""How often somebody signs up: readings of two people then coincide about as often as in the public data."""
ARRIVAL_JITTER_MS: Final = 5_000
NEVER: Final = -1


class Dice:
    """Random numbers that depend only on the seeds.

    Uses only NumPy's bit generator, whose stream is guaranteed to stay; distributions may change between versions.
    """

    def __init__(self, *seeds: int) -> None:
        self._bits = np.random.PCG64(list(seeds))

    def raw(self, count: int) -> npt.NDArray[np.uint64]:
        """Return `count` times 64 random bits."""
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def below(self, limit: int, count: int) -> Ints:
        """Return whole numbers from zero to `limit - 1`."""
        return (self.raw(count) % np.uint64(limit)).astype(np.int64)

    def choose(self, among: Flags, count: int) -> Flags:
        """Return flags with `count` of those set that are set in `among`."""
        candidates = np.flatnonzero(among)
        chosen = np.zeros(among.size, dtype=np.bool_)
        chosen[candidates[np.argsort(self.raw(candidates.size), kind="stable")[:count]]] = True
        return chosen


@dataclass(frozen=True)
class People:
    """A batch of people; arrays and lists have one entry per person, `NEVER` if something is not shared.

    Attributes:
        times: Shape (people, 30), epoch ms, newest first, distinct within a person.
        third: Shape (people, 30): whether a third accelerometer reading was taken at that time.
        dice: Random numbers for the rest of their records.
    """

    names: list[str]
    emails: list[str]
    phones: list[str]
    birthdays: list[str]
    serials: list[str]
    registered: Ints
    updated: Ints
    research: Ints
    public: Ints
    friends: Ints
    times: Ints
    third: Flags
    dice: Dice


class Crowd:
    """People in batches, from a seed; different streams keep the people of quirks apart from the others."""

    def __init__(self, seed: int, people: int, *, stream: int = 0, first: int = 0) -> None:
        self._seeds = (seed, stream)
        self._next = first
        self._batches = 0
        # Sessions last a minute, however close together a few people sign up: a coarser clock makes readings coincide
        # among them, too.
        self._tick = max(1, 400 // people)
        self._consenting = Quota(*CONSENTING)
        self._third = Quota(*THIRD_READING_CONSENTING)
        self._third_others = Quota(*THIRD_READING_OTHERS)
        self._updated = Quota(23, 482)
        self._late = Quota(18, 23)
        self._updated_others = Quota(21, 474)
        self._plausible = Quota(22, 482)
        self._plausible_others = Quota(25, 474)

    def batch(self, count: int) -> People:
        """Draw the next people."""
        dice = Dice(*self._seeds, self._batches)
        numbers = np.arange(self._next, self._next + count, dtype=np.int64)
        self._batches += 1
        self._next += count

        everybody = np.ones(count, dtype=np.bool_)
        consents = dice.choose(everybody, self._consenting.take(count))
        updates = self._part(dice, consents, self._updated) | self._part(dice, ~consents, self._updated_others)
        plausible = self._part(dice, consents, self._plausible) | self._part(dice, ~consents, self._plausible_others)
        late = self._part(dice, consents & updates, self._late)

        registered = OPENING + numbers * ARRIVAL_MS + dice.below(ARRIVAL_JITTER_MS, count)
        times = self._sessions(dice, registered)
        # Most people who consent later do so after their session: as-of consent then leaves them no readings.
        updated = registered + np.where(updates, 5_000 + dice.below(50_000, count), 0)
        updated = np.where(late, times[:, 0] + 1_000 + dice.below(4_000, count), updated)

        names = _names(dice, count)
        return People(
            names=names,
            emails=[
                f"{name.replace(' ', '.')}.{number}@example.com"
                for name, number in zip(names, (numbers + 1).tolist(), strict=True)
            ],
            phones=[f"80155501{line:02d}" for line in dice.below(100, count).tolist()],
            birthdays=_birthdays(dice, plausible),
            serials=_serials(dice, count),
            registered=registered,
            updated=updated,
            research=np.where(consents, updated, NEVER),
            public=np.where(dice.below(2, count) == 1, updated, NEVER),
            friends=np.where(dice.below(2, count) == 1, updated, NEVER),
            times=times,
            third=self._thirds(dice, consents),
            dice=dice,
        )

    @staticmethod
    def _part(dice: Dice, among: Flags, quota: Quota) -> Flags:
        return dice.choose(among, quota.take(int(among.sum())))

    def _sessions(self, dice: Dice, registered: Ints) -> Ints:
        """Return thirty times per person, two to four seconds apart, the last within 74 s of the sign-up."""
        count = registered.size
        lot = dice.below(1_000, count)
        last = registered + 74_000 - lot**4 * 18_000 // 1_000**4
        interval = 2_000 + dice.below(60, count) * 100 // 3
        times: Ints = last[:, None] - np.arange(SESSION_TIMES, dtype=np.int64)[None, :] * interval[:, None]
        times -= times % self._tick
        return times

    def _thirds(self, dice: Dice, consents: Flags) -> Flags:
        slots = np.repeat(consents, SESSION_TIMES)
        thirds = self._part(dice, slots, self._third) | self._part(dice, ~slots, self._third_others)
        return thirds.reshape(-1, SESSION_TIMES)


def _names(dice: Dice, count: int) -> list[str]:
    first = dice.below(len(FIRST_NAMES), count).tolist()
    last = dice.below(len(LAST_NAMES), count).tolist()
    return [f"{FIRST_NAMES[i]} {LAST_NAMES[j]}" for i, j in zip(first, last, strict=True)]


def _birthdays(dice: Dice, plausible: Flags) -> list[str]:
    """Return ISO dates: 1903 to 1998 if plausible, otherwise 967 to 1899, which the website accepted."""
    count = plausible.size
    years = np.where(plausible, 1903 + dice.below(96, count), 967 + dice.below(933, count)).tolist()
    months = (1 + dice.below(12, count)).tolist()
    days = (1 + dice.below(28, count)).tolist()
    return [f"{y:04d}-{m:02d}-{d:02d}" for y, m, d in zip(years, months, days, strict=True)]


def _serials(dice: Dice, count: int) -> list[str]:
    """Return random UUIDs of version 4."""
    digits = [f"{high:016x}{low:016x}" for high, low in dice.raw(2 * count).reshape(-1, 2).tolist()]
    return [f"{d[:8]}-{d[8:12]}-4{d[13:16]}-{'89ab'[int(d[16], 16) % 4]}{d[17:20]}-{d[20:]}" for d in digits]
