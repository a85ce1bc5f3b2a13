"""Standard output that nobody reads any more, as `| head` leaves it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def while_somebody_reads() -> Iterator[None]:
    """Print until the reader of a pipe (`| head`) has seen enough; what the command found still decides how it ends."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        stop_printing()


def stop_printing() -> None:
    """Let nothing more be written to a pipe that is closed, not even what is still in its buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
