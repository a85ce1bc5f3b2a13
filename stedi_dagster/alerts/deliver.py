"""Sending what is in the outbox: each destination by itself, its alerts in order, each until it was taken."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from stedi_dagster.alerts.destinations import Destination, NotTakenError, destinations_of
from stedi_dagster.alerts.outbox import FOLDER, Outbox, Waiting, open_outbox
from stedi_dagster.settings import Settings

# Seconds. A sensor's tick has a minute, which these and the last alert's time limit keep to.
_FOR_A_DESTINATION = 20.0
_FOR_ANOTHER_PROCESS = 15.0


@dataclass(frozen=True)
class Delivery:
    """What came of one round."""

    sent: int
    problems: list[str]


def deliver(settings: Settings, record: Callable[[Outbox], None], *, at_once: bool) -> Delivery:
    """Have recorded what is new, and send all that waits.

    Args:
        settings: which name at least one destination.
        record: puts into the outbox what is to be told.
        at_once: whether a destination that failed lately is tried without a pause.
    """
    destinations = destinations_of(settings)
    with open_outbox(settings.home) as outbox:
        keys = [outbox.key_of(destination.address) for destination in destinations]
        # First, so that a new destination is told of the run that ended just now.
        gone = outbox.give({key: to.name for key, to in zip(keys, destinations, strict=True)})
        record(outbox)
    with ThreadPoolExecutor(len(destinations)) as pool:
        counts = list(pool.map(lambda key, to: _drain(settings.home, key, to, at_once=at_once), keys, destinations))
    with open_outbox(settings.home) as outbox:
        problems = [*map(_lost, gone), *map(_undelivered, _troubled(outbox, keys))]
    return Delivery(sum(counts), problems)


def _troubled(outbox: Outbox, keys: Sequence[str]) -> Iterator[Waiting]:
    return (waiting for waiting in outbox.waiting() if waiting.alerts and waiting.key in keys)


def _undelivered(waiting: Waiting) -> str:
    verb = "waits" if waiting.alerts == 1 else "wait"
    return f"{_count(waiting)} {verb} for {waiting.name}: {waiting.problem or 'it was not tried yet'}."


def _lost(gone: Waiting) -> str:
    return f"{gone.name} has not been set for a week and is forgotten, with {_count(gone)} that waited for it."


def _count(waiting: Waiting) -> str:
    return f"{waiting.alerts} alert{'' if waiting.alerts == 1 else 's'}"


def _drain(home: Path, key: str, destination: Destination, *, at_once: bool) -> int:
    """Send a destination what waits for it, until it refuses or time is up; return how many it took."""
    sent = 0
    try:
        # Two processes would send the same alert twice.
        with FileLock(home / FOLDER / f"{key}.lock", timeout=_FOR_ANOTHER_PROCESS), open_outbox(home) as outbox:
            until = time.monotonic() + _FOR_A_DESTINATION
            if not at_once and outbox.next_try(key) > time.time():
                return 0
            while time.monotonic() < until and (waiting := outbox.next_for(key)):
                number, message = waiting
                try:
                    destination.send(message)
                except NotTakenError as error:
                    outbox.refused(key, str(error))
                    break
                outbox.took(key, number)
                sent += 1
    except Timeout:
        return 0  # the other process is slow; what waits is sent by the next round
    return sent
