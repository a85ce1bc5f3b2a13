"""Holding a lakehouse for writing: against this machine's processes, and on S3 against other machines' too."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stedi_dagster.lakehouse.lock import writer_lock
from stedi_dagster.locations import is_s3


class Holding:
    """The locks of one home and one warehouse."""

    def __init__(self, home: Path, warehouse: str) -> None:
        """Prepare; nothing is held yet.

        Args:
            home: STEDI_HOME, the folder of the local lock.
            warehouse: folder or s3:// URL of the tables' files.
        """
        self._home = home
        self._warehouse = warehouse
        self._confirm: Callable[[], None] = lambda: None

    @contextmanager
    def held(self, holder: str, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the lakehouse.

        Args:
            holder: who holds it; shown to others that wait.
            timeout: seconds to wait for each of the two.
            waiting: called once, with who holds it, if it is not free.

        Raises:
            BusyError: somebody else held it for all of that time.
        """
        with ExitStack() as held:
            held.enter_context(writer_lock(self._home, holder, timeout=timeout, waiting=waiting))
            if is_s3(self._warehouse):
                from stedi_dagster.lakehouse.s3_lock import S3Lock

                lock = S3Lock(self._warehouse, f"{holder} on {socket.gethostname()}")
                held.enter_context(lock.held(timeout=timeout, waiting=waiting))
                held.enter_context(self._confirming(lock.confirm))
            yield

    def confirm(self) -> None:
        """Make sure that the lakehouse is still ours to write.

        Raises:
            PublishConflictError: another machine took it over.
        """
        self._confirm()

    @contextmanager
    def _confirming(self, confirm: Callable[[], None]) -> Iterator[None]:
        self._confirm, before = confirm, self._confirm
        try:
            yield
        finally:
            self._confirm = before
