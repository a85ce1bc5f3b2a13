"""The run as a resource: everything that making a table needs, put together for code that knows no Dagster."""

import logging
import time

import dagster as dg
from pydantic import PrivateAttr

from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.defs.resources.lock import WriterLockResource
from stedi_dagster.defs.resources.rules import LandingResource, PolicyResource
from stedi_dagster.defs.resources.spark import SparkConnectResource
from stedi_dagster.defs.resources.verdicts import VerdictsResource
from stedi_dagster.drafts.run import Run
from stedi_dagster.erasure.erase import Eraser
from stedi_dagster.erasure.ledger import Ledger, recognising, unfinished
from stedi_dagster.run_tags import ALL, FULL_REFRESH, names_in


class RunResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What is the same for every table of one run."""

    lakehouse: dg.ResourceDependency[LakehouseResource]
    lock: dg.ResourceDependency[WriterLockResource]
    spark: dg.ResourceDependency[SparkConnectResource]
    landing: dg.ResourceDependency[LandingResource]
    policy: dg.ResourceDependency[PolicyResource]
    verdicts: dg.ResourceDependency[VerdictsResource]

    _now_ms: int = PrivateAttr(default=0)
    _resumed: bool = PrivateAttr(default=False)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Note when the run began."""
        self._now_ms = time.time_ns() // 1_000_000

    def begin(self) -> Run:
        """The run, holding the writer lock from now on until it ends.

        Raises:
            BusyError: another run held it for too long.
        """
        run = self.get_resource_context().run
        self.lock.hold()
        self.verdicts.expect_changes()
        if not self._resumed:
            self._resume_erasures()
            self._resumed = True
        return Run(
            run_id=run.run_id if run else "unknown",
            now_ms=self._now_ms,
            policy=self.policy.policy(),
            code_version=code_version,
            lakehouse=self.lakehouse.lakehouse(),
            open_session=lambda: self.spark.spark_session,
            max_doubt=self.landing.max_doubt,
            least_evidence=self.landing.evidence,
            full_refresh=_refreshed(names_in(run.tags, FULL_REFRESH)) if run else frozenset(),
        )

    def _resume_erasures(self) -> None:
        """Finish what a killed erasure left to do, before anything is made of it; refuse a key that knows nobody."""
        lakehouse = self.lakehouse.lakehouse()
        ledger = Ledger(lakehouse)
        erasures = ledger.erasures()
        digester = recognising(lakehouse, erasures)
        if digester is not None:
            ledger.record_checksums()
            if unfinished(erasures):
                log = self.get_resource_context().log or logging.getLogger(__name__)
                Eraser(lakehouse, self.landing.location, digester, log.info).resume()


def _refreshed(names: frozenset[str]) -> frozenset[str]:
    return frozenset(TABLES) if ALL in names else names
