"""How much is generated at a scale, with the shares of the public data, and the classes that describe the result.

No random numbers, no files: everything here depends only on the scale.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stedi_dagster.errors import SettingsError

CUSTOMER: Final = "customer"
ACCELEROMETER: Final = "accelerometer"
STEP_TRAINER: Final = "step_trainer"
FEEDS: Final = (CUSTOMER, ACCELEROMETER, STEP_TRAINER)

PEOPLE: Final = 956
"""People in the public data, and so at scale 1."""
SESSION_TIMES: Final = 30
"""Times of a person's session: one step reading each, and two or three accelerometer readings."""
FEWEST_PEOPLE: Final = 4
MOST_PEOPLE: Final = 1_000_000_000

# Shares in the public data, as (some, out of). Quota turns a share into exact counts.
CONSENTING: Final = (482, PEOPLE)
THIRD_READING_CONSENTING: Final = (40_981 - 2 * 14_460, 14_460)
THIRD_READING_OTHERS: Final = (40_292 - 2 * 14_220, 14_220)


@dataclass
class Quota:
    """Hands out a share of things that come in batches, so that the total is exact whatever the batches' size.

    After `n` things it has handed out `ceil(n * some / out_of)`; the first thing is always in the share.
    """

    some: int
    out_of: int
    seen: int = 0

    def take(self, count: int) -> int:
        """Return how many of the next `count` things are in the share."""
        before = self.of(self.seen)
        self.seen += count
        return self.of(self.seen) - before

    def of(self, count: int) -> int:
        """Return how many of the first `count` things are in the share."""
        return -(-count * self.some // self.out_of)


@dataclass(frozen=True)
class Plan:
    """The data at a scale without quirks: people, and accelerometer readings of those who consent and of others."""

    people: int
    consenting: int
    consenting_readings: int
    other_readings: int

    @property
    def records(self) -> Mapping[str, int]:
        """Records by feed."""
        return {
            CUSTOMER: self.people,
            ACCELEROMETER: self.consenting_readings + self.other_readings,
            STEP_TRAINER: self.people * SESSION_TIMES,
        }

    @property
    def expected(self) -> Mapping[str, int]:
        """Rows of the eight tables under the default policies."""
        return {
            **{f"{feed}_landing": count for feed, count in self.records.items()},
            "customer_trusted": self.consenting,
            "accelerometer_trusted": self.consenting_readings,
            "customers_curated": self.consenting,
            "step_trainer_trusted": self.consenting * SESSION_TIMES,
            "machine_learning_curated": self.consenting_readings,
        }


def plan(scale: float = 1.0) -> Plan:
    """Work out what `generate` writes at a scale.

    People are `956 * scale`, rounded, and at least four. 482 of 956 consent. A third accelerometer reading
    comes at 12,061 of 14,460 session times of those who do, and at 11,852 of 14,220 of the others. These
    three are rounded up.

    Args:
        scale: 1 is the size of the public data; fractions are allowed.

    Raises:
        SettingsError: The scale is not a number above zero, or asks for more than a billion people.
    """
    if not (math.isfinite(scale) and 0 < scale <= MOST_PEOPLE / PEOPLE):
        raise SettingsError(
            f"scale is {scale}, and must be above 0 and at most {MOST_PEOPLE // PEOPLE:,}: "
            f"1 gives {PEOPLE} people, as in the public data, and 0.01 gives ten."
        )
    people = max(FEWEST_PEOPLE, round(PEOPLE * scale))
    consenting = Quota(*CONSENTING).of(people)
    times = consenting * SESSION_TIMES
    other_times = (people - consenting) * SESSION_TIMES
    return Plan(
        people=people,
        consenting=consenting,
        consenting_readings=2 * times + Quota(*THIRD_READING_CONSENTING).of(times),
        other_readings=2 * other_times + Quota(*THIRD_READING_OTHERS).of(other_times),
    )


@dataclass(frozen=True)
class FeedTotals:
    """What was written to one feed.

    Attributes:
        files: All files, also empty ones and markers.
        records: Records a reader must land, each counted as often as it was delivered.
        bad: Records a reader must quarantine.
        bytes: Size of all files.
    """

    files: int = 0
    records: int = 0
    bad: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class OddFile:
    """One file that a quirk wrote, and how a reader must treat it.

    Attributes:
        feed: One of `FEEDS`.
        path: Below the landing folder.
        quirk: The name of the quirk.
        good: Records to land.
        bad: Records to quarantine.
        marker: Whether the name begins with `_` or `.`, so that the file is skipped whatever it holds.
    """

    feed: str
    path: Path
    quirk: str
    good: int
    bad: int
    marker: bool


@dataclass(frozen=True)
class Generated:
    """What `generate` wrote, and the results to expect from it.

    Attributes:
        landing: The folder that holds the three feeds.
        feeds: Totals by feed, quirks included.
        people: People, without those of quirks.
        consenting: Those of `people` who consent to research.
        expected: Rows of the eight tables under the default policies; None with quirks.
        odd_files: What the quirks wrote, file by file.
    """

    landing: Path
    feeds: Mapping[str, FeedTotals]
    people: int
    consenting: int
    expected: Mapping[str, int] | None
    odd_files: tuple[OddFile, ...] = ()
