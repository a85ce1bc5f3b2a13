"""Runs one command and measures its cost from outside: wall clock, CPU and memory of its whole process tree.

Reads /proc and adopts orphans, so Linux only. Knows nothing about what is measured.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_SECONDS = 0.05
_GRACE_SECONDS = 30.0
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
_KB_IN_MB = 1024 / 1e6
_PARENT_FIELD, _RESIDENT_FIELD = 1, 21  # of /proc/PID/stat, counted after the command's name


class BenchError(Exception):
    """Something failed without which the numbers would be worthless."""


@dataclass(frozen=True)
class Usage:
    """The cost of a process tree.

    Attributes:
        wall: Seconds from the start until the command itself ended.
        cpu: User and system seconds of every process of the tree.
        peak_mb: The largest resident memory in MB (1e6 bytes), all processes of the tree together.
    """

    wall: float
    cpu: float
    peak_mb: float


def adopt_orphans() -> None:
    """Become the parent of orphans: a PySpark script leaves its JVM behind without waiting for it."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise BenchError("The kernel refused to make this process a subreaper; CPU of a JVM would be lost.")


def measured(command: list[str], env: dict[str, str], cwd: Path, log: Path) -> tuple[Usage, str]:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        env: Its whole environment.
        cwd: Its working directory.
        log: Where its standard error goes.

    Returns:
        What it cost, and what it printed to standard output.

    Raises:
        BenchError: It did not exit with 0.
    """
    output = log.with_suffix(".out")
    with output.open("wb") as stdout, log.open("wb") as stderr, _PeakMemory() as memory:
        start = time.monotonic()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        try:
            _, status, rusage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu = rusage.ru_utime + rusage.ru_stime + _wait_for_orphans()
        except BaseException:
            _kill_descendants()
            raise
    if process.returncode != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise BenchError(f"{' '.join(command)} exited with {process.returncode}, expected 0:\n{tail}")
    return Usage(wall, cpu, memory.peak_mb), output.read_text()


class _PeakMemory:
    """Samples the memory of all descendants while it is entered.

    Samples the sum over the tree, and reads each process's own high-water mark, so that a short peak of one process is
    seen even between two samples. `wait4`'s maximum is of no use: it starts at the size of this process and covers only
    single processes.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            tree = dict(_descendants())
            highest = max(map(_high_water_mb, tree), default=0.0)
            self.peak_mb = max(self.peak_mb, sum(tree.values()), highest)


def _descendants() -> Iterator[tuple[int, float]]:
    """Yield each process below this one, and its resident memory in MB."""
    children: dict[int, list[tuple[int, float]]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        process = (int(stat.parent.name), int(fields[_RESIDENT_FIELD]) * _PAGE_MB)
        children.setdefault(int(fields[_PARENT_FIELD]), []).append(process)
    pending = list(children.get(os.getpid(), ()))
    while pending:
        pid, resident = pending.pop()
        yield pid, resident
        pending += children.get(pid, ())


def _high_water_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return 0.0
    _, found, rest = status.partition("VmHWM:")
    return int(rest.split()[0]) * _KB_IN_MB if found else 0.0


def _wait_for_orphans() -> float:
    """Wait until no process of the tree is left to disturb the next run, and return their CPU seconds."""
    cpu = 0.0
    deadline = time.monotonic() + _GRACE_SECONDS
    while True:
        try:
            pid, _, rusage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu
        if pid:
            cpu += rusage.ru_utime + rusage.ru_stime
        elif time.monotonic() > deadline:
            raise BenchError(f"Processes were still running {_GRACE_SECONDS:.0f} s after their command ended.")
        else:
            time.sleep(_SAMPLE_SECONDS / 5)


def _kill_descendants() -> None:
    for pid, _ in list(_descendants()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
