"""What a run does at its end about the standing audits: a resource, which ends before the lakehouse is let go."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from stedi_dagster.audits.standing.audit import Audit, Verdict
from stedi_dagster.defs.audits.recording import settle
from stedi_dagster.defs.resources.lock import WriterLockResource
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings


class VerdictsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Keeps the verdicts of standing audits over the run, and has judged again what failed."""

    lock: dg.ResourceDependency[WriterLockResource]

    _changes: bool = PrivateAttr(default=False)

    @abstractmethod
    def settings(self) -> Settings:
        """The rules in force. They are no configuration: Dagster would record it, and there are secrets in them."""

    def expect_changes(self) -> None:
        """Say that this run may change, from now on, what is published or kept."""
        self._changes = True

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Settle the verdicts, however the run ended."""
        if context.instance is None or context.run is None:
            return
        try:
            settle(context.instance, context.run.run_id, self._judge, changed=self._changes)
        except StediError as error:
            if context.log:
                context.log.info("The standing audits that failed are not judged again: %s", error)

    def _judge(self, audits: Sequence[Audit]) -> list[Verdict]:
        # Loaded only where something failed: every run would pay for it.
        from stedi_dagster.audits.standing.judging import run_audits

        lakehouse, reading = self.lock.lakehouse.lakehouse(), self.lock.consistent_read()
        return list(run_audits(audits, self.settings(), lakehouse, consistent_read=reading))


def verdicts_under(settings: Settings, lock: Any) -> Any:
    """The resource of every step that may change what is published.

    Args:
        settings: the rules in force.
        lock: the writer lock's resource.
    """

    class UnderSettings(VerdictsResource):
        """See `VerdictsResource`."""

        def settings(self) -> Settings:
            return settings

    return UnderSettings.configure_at_launch(lock=lock)
