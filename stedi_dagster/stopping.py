"""What to do when a signal stops a command: code that starts something registers here how to end it.

The process ends as under `kill -9`, which every table survives; only register what nobody else would clean up.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The promise is two seconds; anything slower is left as a kill would leave it.
_PATIENCE_SECONDS = 1.5
_SHOW_CURSOR = "\x1b[?25h"

# Sent through the pipe that the main thread reads, besides signal numbers.
_WORK_DONE, _ENDED = 0, 255

_endings: dict[object, Callable[[], None]] = {}


@contextmanager
def if_stopped(ending: Callable[[], None]) -> Iterator[None]:
    """Call something if the command is stopped meanwhile; last registered, first called.

    Args:
        ending: called in another thread than the work, which continues until the process ends. It has some tenths of a
            second.
    """
    key = object()
    _endings[key] = ending
    try:
        yield
    finally:
        _endings.pop(key, None)


def work_until_stopped(work: Callable[[], int]) -> NoReturn:
    """Do the work of a command and end the process with its exit code, or stop at a signal.

    The work has its own thread, so that the main thread, where Python handles signals, can react at once whatever the
    libraries are doing, and so that none of them changes what a signal does. Interrupts are handled even if the shell
    ignores them, as it does for commands in the background.

    Args:
        work: returns the exit code.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    for number in _SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # ignored means `nohup`
            signal.signal(number, lambda *_: None)
    # Whichever thread receives a signal, its number is written here, and the main thread wakes up.
    signal.set_wakeup_fd(write_end)
    status = [1]

    def worker() -> None:
        try:
            status[0] = work()
        finally:
            os.write(write_end, bytes([_WORK_DONE]))

    threading.Thread(target=worker, name="command", daemon=True).start()
    event = os.read(read_end, 1)[0]
    if event != _WORK_DONE:
        _stop(event, read_end, write_end)
    # The reader of a pipe may be gone.
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status[0])


def _stop(signal_number: int, read_end: int, write_end: int) -> NoReturn:
    """Report it at once, call the endings, and exit; at a second signal, without waiting for them."""
    _write_last(f"{_SHOW_CURSOR if sys.stderr.isatty() else ''}Stopping …\n")
    threading.Thread(target=_end_all, args=(write_end,), daemon=True).start()
    patience = threading.Timer(_PATIENCE_SECONDS, os.write, args=(write_end, bytes([_ENDED])))
    patience.daemon = True
    patience.start()
    # The work may finish meanwhile, which does not cut this short.
    while os.read(read_end, 1)[0] == _WORK_DONE:
        pass
    os._exit(128 + signal_number)


def _write_last(text: str) -> None:
    """Write to standard error, and let nothing more be written to it or to standard output."""
    os.write(2, text.encode())
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)


def _end_all(write_end: int) -> None:
    try:
        while _endings:
            _, ending = _endings.popitem()
            ending()
    finally:
        os.write(write_end, bytes([_ENDED]))
