"""What is the same for every table of one run."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyiceberg.table import Table
from pyspark.sql import SparkSession

from stedi_dagster.contracts import Contract, Participants
from stedi_dagster.engines.failure import ENGINE_ERRORS, failure_of
from stedi_dagster.errors import EngineError, StediError
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.settings.policy import Policy

PARTICIPANTS = Participants.table()

# PySpark logs what an engine said, quoted data included. It disables that logger, and Dagster's set-up of logging
# enables it again; its level stays.
if "SPARK_CONNECT_LOG_LEVEL" not in os.environ:
    logging.getLogger("pyspark.sql.connect.logging").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Run:
    """One run: its time, its rules and limits, its one engine session, its tables."""

    run_id: str
    now_ms: int
    policy: Policy
    code_version: Callable[[type[Contract]], str]
    lakehouse: Lakehouse
    open_session: Callable[[], SparkSession]
    # The largest share of the published people that unreadable texts may take out at once.
    max_doubt: float
    # The smallest share of readings with a known owner that evidence must give to their owner.
    least_evidence: float = 0.999
    # Tables that are made in full whatever is published of them.
    full_refresh: frozenset[str] = frozenset()

    @property
    def session(self) -> SparkSession:
        """The engine's session, opened when it is first needed."""
        return self.open_session()

    def read(self, name: str, contract: type[Contract]) -> Snapshot:
        """A table as it is published now.

        Raises:
            StediError: it was never published.
        """
        snapshot = self.lakehouse.read(name, contract)
        if snapshot is None:
            raise StediError(f"{name} has not been published yet. Materialize it first, or run `stedi run`.")
        return snapshot

    def unchanged(self, table: Table, contract: type[Contract], inputs: str) -> Commit | None:
        """See `Lakehouse.unchanged`; of a table that is to be made in full, nothing is."""
        if table.name()[-1] in self.full_refresh:
            return None
        return self.lakehouse.unchanged(table, contract, inputs)

    def readable(self, name: str, contract: type[Contract]) -> Snapshot | None:
        """A table as readers see it now; None where nothing is published that they can read."""
        snapshot = None if name in self.full_refresh else self.lakehouse.read(name, contract)
        return None if snapshot is None or snapshot.files.missing() else snapshot

    def read_participants(self) -> Snapshot:
        """Who the participants are.

        Raises:
            StediError: nobody is registered yet.
        """
        snapshot = self.lakehouse.read(PARTICIPANTS, Participants)
        if snapshot is None:
            raise StediError("No participant is registered yet. Materialize participants first.")
        return snapshot

    @contextmanager
    def at_work(self, table: str, doing: str) -> Iterator[None]:
        """Have the engine work for a table: its own tools, like Spark's UI, show of which table a job is.

        Args:
            table: its name.
            doing: what is done, for messages.

        Raises:
            EngineError: instead of anything that the engine or the way to it raised; it quotes no data.
        """
        try:
            session = self.session
            session.addTag(table)
            try:
                yield
            finally:
                session.removeTag(table)
        except ENGINE_ERRORS as error:
            raise EngineError(
                f"The engine failed while {doing} ({failure_of(error)}). Nothing of it is published. Its own message "
                "is withheld because it may quote personal data; the engine's log has it."
            ) from None
