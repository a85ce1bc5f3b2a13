"""Sends the alerts in the outbox: each destination separately, its alerts in order, each until it is accepted."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from stedi_dagster.alerts.destinations import Destination, NotTakenError, destinations_of
from stedi_dagster.alerts.outbox import FOLDER, Outbox, Waiting, open_outbox
from stedi_dagster.settings import Settings

# Seconds. Together with the last alert's time limit they fit into the minute that a sensor's tick has.
_FOR_A_DESTINATION = 20.0
_FOR_ANOTHER_PROCESS = 15.0


@dataclass(frozen=True)
class Delivery:
    """The result of one round of sending."""

    sent: int
    problems: list[str]


def deliver(settings: Settings, record: Callable[[Outbox], None], *, at_once: bool) -> Delivery:
    """Record new alerts, and send all that are waiting.

    Args:
        settings: name at least one destination.
        record: puts new alerts into the outbox.
        at_once: whether to retry a destination that failed recently without a pause.
    """
    destinations = destinations_of(settings)
    with open_outbox(settings.home) as outbox:
        keys = [outbox.key_of(destination.address) for destination in destinations]
        # First, so that a new destination hears of the run that has just ended.
        gone = outbox.register({key: to.name for key, to in zip(keys, destinations, strict=True)})
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
    return f"{_count(waiting)} {verb} for {waiting.name}: {waiting.problem or 'it has not been tried yet'}."


def _lost(gone: Waiting) -> str:
    return f"{gone.name} has not been set for a week and was dropped, with {_count(gone)} waiting for it."


def _count(waiting: Waiting) -> str:
    return f"{waiting.alerts} alert{'' if waiting.alerts == 1 else 's'}"


def _drain(home: Path, key: str, destination: Destination, *, at_once: bool) -> int:
    """Send a destination the alerts waiting for it, until it refuses or time is up; return how many it accepted."""
    sent = 0
    try:
        # Two processes would send the same alert twice.
        with FileLock(home / FOLDER / f"{key}.lock", timeout=_FOR_ANOTHER_PROCESS), open_outbox(home) as outbox:
            deadline = time.monotonic() + _FOR_A_DESTINATION
            if not at_once and outbox.next_try(key) > time.time():
                return 0
            while time.monotonic() < deadline and (waiting := outbox.next_for(key)):
                number, message = waiting
                try:
                    destination.send(message)
                except NotTakenError as error:
                    outbox.note_refused(key, str(error))
                    break
                outbox.note_sent(key, number)
                sent += 1
    except Timeout:
        return 0  # the other process is slow; the next round sends what is waiting
    return sent
