"""The writer lock as a resource: once taken, a run holds it until it ends."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import dagster as dg
from pydantic import Field, PrivateAttr

from stedi_dagster.defs.resources.lakehouse import LakehouseResource

POOL = "lakehouse"
"""The pool of every step that waits for the writer lock: Dagster starts one run with such steps at a time."""


class WriterLockResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One writer at a time. Runs that the UI starts wait for each other in Dagster's queue; this is the backstop."""

    lakehouse: dg.ResourceDependency[LakehouseResource]
    timeout: float = Field(description="Seconds to wait for another run.")

    _closing: ExitStack = PrivateAttr(default_factory=ExitStack)
    _held: bool = PrivateAttr(default=False)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WriterLockResource"]:  # noqa: ARG002
        """Take nothing yet; let go at the end of the run, however it ends."""
        with ExitStack() as self._closing:
            try:
                yield self
            finally:
                self._held = False

    def hold(self) -> None:
        """Take the lock, and keep it until the run ends.

        Raises:
            BusyError: another run held it for too long.
        """
        if not self._held:
            self._closing.enter_context(self.held())
            self._held = True

    def held(self, *, wait: bool = True) -> AbstractContextManager[None]:
        """While the lock is held.

        Args:
            wait: whether to wait for a run that holds it.

        Raises:
            BusyError: another run held it for too long.
        """
        context = self.get_resource_context()
        log = context.log or logging.getLogger(__name__)
        return self.lakehouse.lakehouse().writing(
            f"run {context.run.run_id if context.run else 'unknown'}",
            timeout=self.timeout if wait else 0,
            waiting=lambda holder: log.info("Waiting for the lakehouse, held by %s.", holder),
        )

    def consistent_read(self) -> AbstractContextManager[None]:
        """While nobody else publishes: held for reading several tables as they belong together.

        Raises:
            BusyError: another run held the lakehouse for too long.
        """
        return nullcontext() if self._held else self.held()
