"""What is to be done when a command is stopped by a signal: whoever starts something says here how it is ended.

The process ends as under `kill -9`, which every table survives; what is said here is what nobody else would clean up.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The promise is two seconds; what needs longer is left as a kill would leave it.
_PATIENCE_SECONDS = 1.5
_SHOW_CURSOR = "\x1b[?25h"

_ENDED = None
# The exit code of the work, a signal, or that all is done that was to be done at one.
_Told = SimpleQueue[int | signal.Signals | None]

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
    told: _Told = SimpleQueue()
    for number in _SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` means that
            signal.signal(number, lambda got, _frame: told.put(signal.Signals(got)))

    def worker() -> None:
        status = 1
        try:
            status = work()
        finally:
            told.put(status)

    threading.Thread(target=worker, name="command", daemon=True).start()
    heard = told.get()
    if isinstance(heard, signal.Signals):
        _stop(heard, told)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(heard or 0)


def _stop(by: signal.Signals, told: _Told) -> NoReturn:
    """Say so at once, do what is to be done, and end; at a second signal without waiting for that."""
    _say_last(f"{_SHOW_CURSOR if sys.stderr.isatty() else ''}Stopping …\n")
    threading.Thread(target=_end_all, args=(told,), daemon=True).start()
    patience = threading.Timer(_PATIENCE_SECONDS, told.put, args=(_ENDED,))
    patience.daemon = True
    patience.start()
    # The work may come to its end meanwhile, which ends nothing that was begun here.
    while told.get() not in {_ENDED, *_SIGNALS}:
        pass
    os._exit(128 + by)


def _say_last(text: str) -> None:
    """Write to standard error, and let nothing be written to it or to standard output any more."""
    os.write(2, text.encode())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _end_all(told: _Told) -> None:
    try:
        while _endings:
            _, ending = _endings.popitem()
            ending()
    finally:
        told.put(_ENDED)
