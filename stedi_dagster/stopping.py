"""What is to be done when a command is stopped by a signal: whoever starts something says here how it is ended.

The process ends as under `kill -9`, which every table survives; what is said here is what nobody else would clean up.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The promise is two seconds; what needs longer is left as a kill would leave it.
_PATIENCE_SECONDS = 1.5
_SHOW_CURSOR = "\x1b[?25h"

# What is told over the pipe that the main thread listens to, besides numbers of signals.
_WORK_DONE, _ENDED = 0, 255

_endings: dict[object, Callable[[], None]] = {}


@contextmanager
def if_stopped(ending: Callable[[], None]) -> Iterator[None]:
    """Have something done if the command is stopped meanwhile; what was named last is done first.

    Args:
        ending: done in another thread than what is stopped, which goes on until the process ends. It has some tenths
            of a second.
    """
    key = object()
    _endings[key] = ending
    try:
        yield
    finally:
        _endings.pop(key, None)


def work_until_stopped(work: Callable[[], int]) -> NoReturn:
    """Do the work of a command and end the process with what it returns, or stop at a signal.

    The work is done in a thread of its own, so that the main thread, where Python hears of signals, hears of them at
    once whatever the libraries do meanwhile, and so that none of them changes what a signal does. An interrupt is heard
    also where a shell has it ignored, as of commands that it starts in the background.

    Args:
        work: returns the exit code.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    for number in _SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` means that
            signal.signal(number, lambda *_: None)
    # Whichever thread the system gives a signal to: its number is written here, and the main thread wakes up.
    signal.set_wakeup_fd(tell)
    status = [1]

    def worker() -> None:
        try:
            status[0] = work()
        finally:
            os.write(tell, bytes([_WORK_DONE]))

    threading.Thread(target=worker, name="command", daemon=True).start()
    heard = os.read(told, 1)[0]
    if heard != _WORK_DONE:
        _stop(heard, told, tell)
    # Whoever read it may have gone.
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status[0])


def _stop(by: int, told: int, tell: int) -> NoReturn:
    """Say so at once, do what is to be done, and end; at a second signal without waiting for that."""
    _say_last(f"{_SHOW_CURSOR if sys.stderr.isatty() else ''}Stopping …\n")
    threading.Thread(target=_end_all, args=(tell,), daemon=True).start()
    patience = threading.Timer(_PATIENCE_SECONDS, os.write, args=(tell, bytes([_ENDED])))
    patience.daemon = True
    patience.start()
    # The work may come to its end meanwhile, which ends nothing that was begun here.
    while os.read(told, 1)[0] == _WORK_DONE:
        pass
    os._exit(128 + by)


def _say_last(text: str) -> None:
    """Write to standard error, and let nothing be written to it or to standard output any more."""
    os.write(2, text.encode())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _end_all(tell: int) -> None:
    try:
        while _endings:
            _, ending = _endings.popitem()
            ending()
    finally:
        os.write(tell, bytes([_ENDED]))
