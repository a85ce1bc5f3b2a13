"""The engines as dagster-pyspark's resource: one Spark Connect session a run, opened when it is first asked for.

dagster-pyspark itself asks for a session by `getOrCreate()`, which returns whatever session this process has, on
whatever server. Here each engine opens one of its own, and closes it and all that it started (ADR 21).
"""

import logging
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from pydantic import Field, PrivateAttr
from pyspark.sql import SparkSession

from stedi_dagster.defs.resources.lock import WriterLockResource
from stedi_dagster.engines import Engine
from stedi_dagster.scratch import scratch_of

if TYPE_CHECKING:
    from stedi_dagster.engines.emr_serverless import EmrServerless


class SparkConnectResource(LazyPySparkResource):
    """A Spark Connect session."""

    spark_config: dict[str, Any] = Field(
        default={}, description="Spark properties that a session is started with, where the engine takes any."
    )

    _closing: ExitStack = PrivateAttr(default_factory=ExitStack)
    _session: SparkSession | None = PrivateAttr(default=None)

    @abstractmethod
    def engine(self) -> Engine:
        """What opens the session."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["SparkConnectResource"]:  # noqa: ARG002
        """Open nothing yet; close, however the run ends, what was opened."""
        with ExitStack() as self._closing:
            try:
                yield self
            finally:
                self._session = None

    @property
    def spark_session(self) -> SparkSession:
        """The session.

        Raises:
            EngineError: the engine cannot be started or reached.
        """
        if self._session is None:
            self._session = self._closing.enter_context(self.engine().session())
        return self._session

    @property
    def spark_context(self) -> Any:
        """What PySpark says of it: a Spark Connect session has none."""
        return self.spark_session.sparkContext


class SailResource(SparkConnectResource):
    """Sail, embedded in this process."""

    home: str = Field(description="STEDI_HOME, in which it writes what does not fit into its memory.")
    memory_mb: int | None = Field(default=None, description="See STEDI_MEMORY.")

    def engine(self) -> Engine:
        """See `SparkConnectResource.engine`."""
        from stedi_dagster.engines.sail import Sail

        if self.memory_mb is None:
            return Sail()
        return Sail((self.memory_mb, scratch_of(Path(self.home), "sail")))


class LocalSparkResource(SparkConnectResource):
    """Apache Spark on this machine, in a process of its own."""

    memory_mb: int | None = Field(default=None, description="See STEDI_MEMORY.")

    def engine(self) -> Engine:
        """See `SparkConnectResource.engine`."""
        from stedi_dagster.engines.spark import DEFAULT_MEMORY_MB, LocalSpark

        return LocalSpark(memory_mb=self.memory_mb or DEFAULT_MEMORY_MB)


class RemoteSparkResource(SparkConnectResource):
    """A Spark Connect server that somebody else runs."""

    url: str = Field(description="The server's sc:// URL.")

    def engine(self) -> Engine:
        """See `SparkConnectResource.engine`."""
        from stedi_dagster.engines.remote import Remote

        return Remote(self.url)


class EmrServerlessResource(SparkConnectResource):
    """Interactive sessions of EMR Serverless. It depends on the lock, which a session of a warehouse needs."""

    lock: dg.ResourceDependency[WriterLockResource]
    application_id: str = Field(description="The application that sessions are started in.")
    execution_role_arn: str = Field(description="The IAM role that they work under.")
    session_name: str = Field(description="What sessions are called in EMR Studio.")
    idle_minutes: int = Field(description="After so many idle minutes EMR ends a session by itself.")
    start_minutes: float = Field(description="Minutes to wait for a session to start.")

    def engine(self) -> "EmrServerless":
        """See `SparkConnectResource.engine`."""
        from stedi_dagster.engines.emr_serverless import Emr, EmrServerless

        context = self.get_resource_context()
        run_id = context.run.run_id if context.run else "unknown"
        log = context.log or logging.getLogger(__name__)

        def note(facts: dict[str, str]) -> None:
            """Keep facts with the run, as its tags."""
            if context.instance:
                context.instance.add_run_tags(run_id, facts)

        return EmrServerless(
            Emr(
                self.application_id,
                self.execution_role_arn,
                self.session_name,
                dict(self.spark_config),
                self.idle_minutes,
                self.start_minutes,
            ),
            run_id=run_id,
            warehouse=self.lock.lakehouse.warehouse,
            tell=log.info,
            note=note,
        )

    def reap(self) -> int:
        """End the sessions that killed runs left; return their number.

        Raises:
            BusyError: a run holds the lakehouse; it did that itself when it started.
            AwsError: AWS refuses, or does not answer.
        """
        with self.lock.held(wait=False):
            return self.engine().reap()
