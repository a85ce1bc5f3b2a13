"""One writer at a time: the lock that a run holds while it publishes.

It keeps two runs of one machine from mixing their results; `publish` refuses what a run elsewhere has overtaken.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from stedi_dagster.errors import BusyError


@contextmanager
def writer_lock(home: Path, holder: str, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lakehouse for writing. The operating system lets go of it when the process ends, however it ends.

    Args:
        home: the folder of the catalog.
        holder: who holds it; shown to others that wait.
        timeout: seconds to wait.
        waiting: called once, with who holds the lock, if it is not free.

    Raises:
        BusyError: somebody else held it for all of that time.
    """
    home.mkdir(parents=True, exist_ok=True)
    note = home / "lakehouse.holder"
    lock = FileLock(home / "lakehouse.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting(_holder(note))
            lock.acquire(timeout=timeout)
    except Timeout:
        raise BusyError(
            f"The lakehouse in {home} is held by {_holder(note)} and was not free within {timeout:g} s. "
            "Nothing was published. Wait for that run, or raise STEDI_LOCK_TIMEOUT."
        ) from None
    try:
        note.write_text(f"{holder}, process {os.getpid()}", encoding="utf-8")
        yield
    finally:
        lock.release()


def _holder(note: Path) -> str:
    try:
        return note.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "another run"
