"""The embedded engine: Sail, a Spark Connect server inside this process, without a JVM."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stedi_dagster.engines.base import Server

_NEVER = str(30 * 24 * 60 * 60)


class Sail(Server):
    """A Sail server on a free port of the loopback address."""

    def __init__(self, memory: tuple[int, Path] | None = None) -> None:
        """Prepare.

        Args:
            memory: the megabytes (of a million bytes) that it may use for what it computes, and the folder, of its own,
                in which it writes what does not fit; without them it has no limit.
        """
        self._memory = memory

    @contextmanager
    def serving(self) -> Iterator[str]:
        """See `Server.serving`."""
        # Its log would show query text; RUST_LOG set by hand wins, for debugging the engine itself.
        os.environ.setdefault("RUST_LOG", "off")
        # Sail closes an idle session, and a session is idle while files are read outside the engine.
        os.environ.setdefault("SAIL_SPARK__SESSION_TIMEOUT_SECS", _NEVER)
        # With statistics, Sail 0.7 replaces a column that has one value throughout a file by that value, and xxhash64
        # of it panics if the file has several rows. Which columns are affected depends on the data, so that rewriting
        # one expression would not be enough. Without statistics Sail cannot choose the smaller side of a join: ours
        # stands first.
        os.environ.setdefault("SAIL_EXECUTION__COLLECT_STATISTICS", "false")
        from pysail.spark import SparkConnectServer

        with self._bounded():
            server = SparkConnectServer("127.0.0.1", 0)
            server.start(background=True)
            try:
                address = server.listening_address
                assert address is not None  # noqa: S101 - it was started above
                yield f"sc://{address[0]}:{address[1]}"
            finally:
                server.stop()

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Bound a server's memory; what a killed one has left in its folder is deleted."""
        if self._memory is None:
            yield
            return
        megabytes, scratch = self._memory
        bounds = {
            # Each operator has its share, so that one cannot take what others need.
            "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
            "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(megabytes * 1_000_000),
            "SAIL_RUNTIME__TEMPORARY_FILES__PATHS": json.dumps([str(scratch)]),
        }
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        before = {name: value for name, value in os.environ.items() if name in bounds}
        os.environ.update(bounds)
        try:
            yield
        finally:
            # The next one in this process has bounds of its own, or none.
            for name in bounds:
                del os.environ[name]
            os.environ.update(before)
            shutil.rmtree(scratch, ignore_errors=True)
