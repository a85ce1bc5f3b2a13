"""Generates a landing zone: writes batches of people to files, adds quirks on request, all or nothing.

What people and records look like is in `crowd` and `lines`, what can be odd about them in `quirks`.
"""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from stedi_dagster.errors import SettingsError
from stedi_dagster.sample.plan import (
    ACCELEROMETER,
    CUSTOMER,
    FEEDS,
    STEP_TRAINER,
    FeedTotals,
    Generated,
    OddFile,
    plan,
)
from stedi_dagster.stopping import if_stopped

BATCH: Final = 500
"""People held in memory at a time. Part of the recipe: a different number gives different data."""
RECORDS_PER_FILE: Final = 10_000
FILES_PER_FEED: Final = 16
# At most 64 MB a file, at the longest lines there are.
MOST_RECORDS_PER_FILE: Final = {CUSTOMER: 140_000, ACCELEROMETER: 500_000, STEP_TRAINER: 500_000}


def feed_folder(landing: Path, feed: str) -> Path:
    """Return where the files of a feed are."""
    return landing / feed / "landing"


def generate(
    landing: Path,
    *,
    scale: float = 1.0,
    seed: int = 0,
    quirks: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Generated:
    """Write the three feeds of made-up people into a landing folder.

    The same arguments give the same bytes. Memory does not grow with the scale. The files appear when all of them are
    complete, so that an interrupted generator does not leave half a landing zone.

    Args:
        landing: The folder to hold `customer/landing`, `accelerometer/landing` and `step_trainer/landing`.
        scale: 1 is the size of the public data (956 people); see `plan` for the rule.
        seed: Zero or a positive whole number.
        quirks: Whether to add people and files with every oddity of `QUIRKS`; the others stay as they are.
        progress: Called repeatedly with the number of records just written; without quirks the numbers add up to
            the sum of `plan(scale).records`.

    Raises:
        SettingsError: The landing folder already holds something in one of these feeds, or the scale or the
            seed makes no sense.
    """
    target = plan(scale)
    if seed < 0:
        raise SettingsError(f"seed is {seed}, and must be zero or a positive whole number.")
    _refuse_to_overwrite(landing)

    from stedi_dagster.sample.crowd import Crowd  # loads NumPy, which nothing else needs
    from stedi_dagster.sample.lines import feed_lines

    landing.mkdir(parents=True, exist_ok=True)
    odd_files: tuple[OddFile, ...] = ()
    folder = TemporaryDirectory(prefix=".generating-", dir=landing, ignore_cleanup_errors=True)
    with folder as name, if_stopped(folder.cleanup):
        draft = Path(name)
        feeds = {feed: _FeedWriter(feed_folder(draft, feed), feed, target.records[feed]) for feed in FEEDS}
        crowd = Crowd(seed, target.people)
        for start in range(0, target.people, BATCH):
            batch = feed_lines(crowd.batch(min(BATCH, target.people - start)))
            for feed, lines in batch.items():
                feeds[feed].write(lines)
            if progress:
                progress(sum(map(len, batch.values())))
        if quirks:
            from stedi_dagster.sample.quirks.writer import write_quirks

            odd_files = tuple(write_quirks(draft, seed=seed, people=target.people))
            if progress:
                progress(sum(odd.good + odd.bad for odd in odd_files))
        totals = {feed: feeds[feed].totals(odd_files, draft) for feed in FEEDS}
        _refuse_to_overwrite(landing)
        for feed in FEEDS:
            _move(feed_folder(draft, feed), feed_folder(landing, feed))

    return Generated(
        landing=landing,
        feeds=totals,
        people=target.people,
        consenting=target.consenting,
        expected=None if quirks else target.expected,
        odd_files=odd_files,
    )


class _FeedWriter:
    """Writes the plain files of one feed, one after the other."""

    def __init__(self, folder: Path, feed: str, total: int) -> None:
        self._folder = folder
        self._feed = feed
        self._records_per_file = min(
            MOST_RECORDS_PER_FILE[feed], max(RECORDS_PER_FILE, math.ceil(total / FILES_PER_FEED))
        )
        self._records = 0
        folder.mkdir(parents=True)

    def write(self, lines: list[str]) -> None:
        start = 0
        while start < len(lines):
            full, used = divmod(self._records, self._records_per_file)
            part = lines[start : start + self._records_per_file - used]
            with (self._folder / f"{self._feed}-{full + 1:04d}.json").open("ab") as file:
                file.write("".join(part).encode("ascii"))
            self._records += len(part)
            start += len(part)

    def totals(self, odd_files: Iterable[OddFile], landing: Path) -> FeedTotals:
        odd = [file for file in odd_files if file.feed == self._feed]
        files = [path for path in feed_folder(landing, self._feed).rglob("*") if path.is_file()]
        return FeedTotals(
            files=len(files),
            records=self._records + sum(file.good for file in odd),
            bad=sum(file.bad for file in odd),
            bytes=sum(path.stat().st_size for path in files),
        )


def _refuse_to_overwrite(landing: Path) -> None:
    if landing.exists() and not landing.is_dir():
        raise SettingsError(f"The landing folder {landing} is a file: name a folder, or one that does not exist yet.")
    for feed in FEEDS:
        folder = feed_folder(landing, feed)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SettingsError(
                f"{folder} already holds data, and generated records must not mix with it: "
                "empty it, or name another landing folder."
            )


def _move(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        path.replace(target / path.name)
