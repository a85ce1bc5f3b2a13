"""What a Dagster run is given: the engine, the lakehouse, the policy, the landing zone.

The only place that knows both Dagster's resources and ours.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr
from pyspark.sql import SparkSession

from stedi_dagster.code_version import code_version
from stedi_dagster.drafts.run import Run
from stedi_dagster.engines import Engine, engine_for
from stedi_dagster.erasure.digests import digester
from stedi_dagster.erasure.erase import UNFINISHED, Eraser, Receipt
from stedi_dagster.erasure.ledger import Ledger, recognising, unfinished
from stedi_dagster.errors import SettingsError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import EMR_SERVERLESS, Settings
from stedi_dagster.settings.policy import Consent, Match, Policy, StepPeople
from stedi_dagster.storage import storage_errors

if TYPE_CHECKING:
    from stedi_dagster.engines.emr_serverless import EmrServerless


class LandingResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where raw files land, and what of it is not believed: too much that is unreadable, missing or in doubt."""

    location: str = Field(description="Folder that holds the feeds' folders.")
    max_bad_share: float = Field(description="Share of a feed's records that may be quarantined.")
    max_shrink: float = Field(description="Share of a feed's published records that may be missing.")
    max_doubt: float = Field(description="Share of the published people that unreadable texts may take out at once.")


class PolicyResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The rules in force: who is kept, which readings, how they are paired."""

    consent: Consent = Field(description=str(Policy.model_fields["consent"].description))
    match: Match = Field(description=str(Policy.model_fields["match"].description))
    step_people: StepPeople = Field(description=str(Policy.model_fields["step_people"].description))
    max_age: int | None = Field(description=str(Policy.model_fields["max_age"].description))

    def policy(self) -> Policy:
        """The same, as the rest of the platform knows it."""
        return Policy(consent=self.consent, match=self.match, step_people=self.step_people, max_age=self.max_age)


class EmrConfig(dg.Config):
    """Where and how EMR Serverless sessions are started: `engines.emr_serverless.Emr`, for Dagster."""

    application_id: str
    execution_role_arn: str
    session_name: str
    spark_conf: dict[str, str]
    idle_minutes: int
    start_minutes: float


class LakehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The catalog, the warehouse and the engine that works on them: one session and one writer lock a run."""

    engine: str = Field(description="sail, spark, emr-serverless, or the sc:// URL of a Spark Connect server.")
    emr: EmrConfig | None = Field(default=None, description="Of the engine emr-serverless: where and how.")
    catalog: str = Field(description="sqlite or glue.")
    database: str = Field(description="The catalog's database.")
    home: str = Field(description="Folder of the SQLite catalog and of the lock.")
    warehouse: str = Field(description="Folder or s3:// URL of the tables' files.")
    retention_days: float = Field(description="Days that a snapshot stays which is no longer current.")
    landing: str = Field(description="The landing zone, out of which people are erased.")
    lock_timeout: float = Field(description="Seconds to wait for another run.")

    _closing: ExitStack = PrivateAttr(default_factory=ExitStack)
    _session: SparkSession | None = PrivateAttr(default=None)
    _lakehouse: Lakehouse | None = PrivateAttr(default=None)
    _locked: bool = PrivateAttr(default=False)
    _resumed: bool = PrivateAttr(default=False)
    _changing: bool = PrivateAttr(default=False)
    _now_ms: int = PrivateAttr(default=0)
    _run_id: str = PrivateAttr(default="")
    _log: logging.Logger = PrivateAttr(default=logging.getLogger(__name__))
    _context: dg.InitResourceContext | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["LakehouseResource"]:
        """Open nothing yet; close, however the run ends, what it opened."""
        self._now_ms = time.time_ns() // 1_000_000
        self._run_id = context.run.run_id if context.run else "no run"
        self._log = context.log or self._log
        self._context = context
        with ExitStack() as self._closing:
            try:
                yield self
            finally:
                self._session, self._locked, self._resumed, self._changing = None, False, False, False

    def lakehouse(self) -> Lakehouse:
        """The tables."""
        if self._lakehouse is None:
            self._lakehouse = Lakehouse(
                Path(self.home),
                self.warehouse,
                catalog=self.catalog,
                database=self.database,
                retention_days=self.retention_days,
            )
        return self._lakehouse

    def writing_run(self, policy: Policy, *, max_doubt: float, again: frozenset[str] = frozenset()) -> Run:
        """The run, holding the writer lock from now on until it ends.

        Args:
            policy: the rules in force.
            max_doubt: the largest share of the published people that unreadable texts may take out at once.
            again: the tables to make anew, whatever is published of them.

        Raises:
            BusyError: another run held it for too long.
        """
        if not self._locked:
            self._closing.enter_context(self._writing(self.lock_timeout))
            self._locked = self._changing = True
        if not self._resumed:
            self._resume_erasures()
            self._resumed = True
        return Run(
            run_id=self._run_id,
            now_ms=self._now_ms,
            policy=policy,
            code_version=code_version(),
            lakehouse=self.lakehouse(),
            open_session=self._open_session,
            max_doubt=max_doubt,
            again=again,
        )

    def _resume_erasures(self) -> None:
        """Finish what a killed erasure left to do, before anything is made of it; refuse a key that knows nobody."""
        ledger = Ledger(self.lakehouse())
        erasures = ledger.erasures()
        by = recognising(self.lakehouse(), erasures)
        if by is not None:
            ledger.record_checksums()
            if unfinished(erasures):
                Eraser(self.lakehouse(), self.landing, by, self._log.info).resume()

    def erase(self, person: str) -> Receipt:
        """Erase a person.

        Args:
            person: the digest of their address, as `stedi forget --digest` prints it.

        Raises:
            BusyError: a run held the lakehouse for too long.
            StediError: see `Eraser.erase`.
        """
        with storage_errors("erasing somebody", outcome=UNFINISHED), self._writing(self.lock_timeout):
            by = recognising(self.lakehouse(), Ledger(self.lakehouse()).erasures())
            by = by or digester(self.lakehouse().home, make=False)
            if by is None:
                raise SettingsError("There is no key for digests here: `stedi forget --digest` makes one.")
            self._changing = True
            eraser = Eraser(self.lakehouse(), self.landing, by, self._log.info)
            receipt = eraser.erase(person)
            eraser.resume()
            return receipt

    def expire_history(self) -> int:
        """Remove the snapshots of all tables that are older than the retention; return their number.

        Raises:
            BusyError: a run holds the lakehouse; it does that itself.
        """
        with storage_errors("removing history", outcome=""), self._writing(0):
            self._changing = True
            return sum(self.lakehouse().expire(table).snapshots for table in self.lakehouse().own_tables())

    @property
    def changing(self) -> bool:
        """Whether this run has begun to change what is published or kept."""
        return self._changing

    def consistent_read(self) -> AbstractContextManager[None]:
        """While nobody publishes: held for reading several tables as they belong together.

        Raises:
            BusyError: another run held the lakehouse for too long.
        """
        return nullcontext() if self._locked else self._writing(self.lock_timeout)

    def _writing(self, timeout: float) -> AbstractContextManager[None]:
        return self.lakehouse().writing(
            f"run {self._run_id}",
            timeout=timeout,
            waiting=lambda holder: self._log.info(f"Waiting for the lakehouse, held by {holder}."),
        )

    def reap_sessions(self) -> int:
        """End EMR Serverless sessions that killed runs left; return their number.

        Raises:
            BusyError: a run holds the lakehouse; it did that itself when it started.
            AwsError: AWS refuses, or does not answer.
        """
        with self._writing(0):
            return self.emr_serverless().reap()

    def _open_session(self) -> SparkSession:
        if self._session is None:
            self._session = self._closing.enter_context(self._engine().session())
        return self._session

    def _engine(self) -> Engine:
        return engine_for(self.engine) if self.emr is None else self.emr_serverless()

    def emr_serverless(self) -> "EmrServerless":
        """The engine of STEDI_ENGINE=emr-serverless."""
        from stedi_dagster.engines.emr_serverless import Emr, EmrServerless

        assert self.emr is not None  # noqa: S101 - only then is it asked for
        return EmrServerless(
            Emr(**self.emr.model_dump()),
            run_id=self._run_id,
            warehouse=self.warehouse,
            tell=self._log.info,
            note=self._note,
        )

    def _note(self, facts: dict[str, str]) -> None:
        """Keep facts with the run, as its tags."""
        if self._context and self._context.instance:
            self._context.instance.add_run_tags(self._run_id, facts)


def _emr_config(settings: Settings) -> EmrConfig | None:
    if settings.engine != EMR_SERVERLESS:
        return None
    prefix = "emr_"
    chosen = {name.removeprefix(prefix): value for name, value in settings if name.startswith(prefix)}
    return EmrConfig(**chosen)


def resources_for(settings: Settings) -> dict[str, dg.ConfigurableResource]:  # type: ignore[type-arg]
    """The resources that the settings ask for."""
    return {
        "landing": LandingResource(
            location=settings.landing,
            max_bad_share=settings.max_bad_share,
            max_shrink=settings.max_shrink,
            max_doubt=settings.max_doubt,
        ),
        "policy": PolicyResource(**settings.policy.model_dump()),
        "lakehouse": LakehouseResource(
            # Dagster keeps a resource's configuration with every run, and the URL's parameters may carry a token.
            engine=dg.EnvVar("STEDI_ENGINE") if ";" in settings.engine else settings.engine,
            emr=_emr_config(settings),
            catalog=settings.catalog,
            database=settings.database,
            home=str(settings.home),
            warehouse=settings.warehouse_location,
            retention_days=settings.retention,
            landing=settings.landing,
            lock_timeout=settings.lock_timeout,
        ),
    }
