"""The progress of `stedi run`: a bar on a terminal, elsewhere a line with its time for each event."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ShowProgress = Callable[[str, int], None]
"""Takes what is happening now, and how many tables are done."""


@contextmanager
def progress(total: int) -> Iterator[ShowProgress]:
    """Show the progress of a run.

    Args:
        total: the number of tables.
    """
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda doing, done: bar.update(task, completed=done, description=doing)


def _lines() -> ShowProgress:
    started = time.monotonic()
    previous = ""

    def show(doing: str, _done: int) -> None:
        nonlocal previous
        if doing != previous:
            moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            sys.stderr.write(f"{moment}  {time.monotonic() - started:7.2f} s  {doing}\n")
            sys.stderr.flush()
            previous = doing

    show("starting", 0)
    return show
