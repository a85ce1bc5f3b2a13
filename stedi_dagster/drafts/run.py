"""What is the same for every table of one run, and what a run makes of a table."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from pyiceberg.table import Table
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import Contract
from stedi_dagster.errors import EngineError, PublishConflictError, StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.publish import Publication, Published
from stedi_dagster.lakehouse.published import Reading
from stedi_dagster.policies.policy import Policy

PARTICIPANTS = "participants"

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
    code_version: str
    lakehouse: Lakehouse
    open_session: Callable[[], SparkSession]
    # The largest share of the published people that unreadable texts may take out at once.
    max_doubt: float
    # Tables that are made anew whatever is published of them.
    again: frozenset[str] = frozenset()

    @property
    def session(self) -> SparkSession:
        """The engine's session, opened when it is first needed."""
        return self.open_session()

    def read(self, name: str, contract: type[Contract]) -> Reading:
        """A table as it is published now.

        Raises:
            StediError: it was never published.
        """
        reading = self.lakehouse.read(name, contract)
        if reading is None:
            raise StediError(f"{name} has not been published yet. Materialize it first, or run `stedi run`.")
        return reading

    def unchanged(self, table: Table, contract: type[Contract], inputs: str) -> Publication | None:
        """See `Lakehouse.unchanged`; of a table that is to be made anew, nothing is."""
        if table.name()[-1] in self.again:
            return None
        return self.lakehouse.unchanged(table, contract, inputs)

    def readable(self, name: str, contract: type[Contract]) -> Reading | None:
        """A table as readers see it now; None where nothing is published that they can read."""
        reading = None if name in self.again else self.lakehouse.read(name, contract)
        return None if reading is None or reading.lost(self.lakehouse.storage) else reading


@dataclass(frozen=True)
class Draft:
    """A table's next snapshot, ready to be published, with everything there is to say about it."""

    publication: Publication
    rows_in: int
    withheld: Mapping[str, int]
    outcomes: tuple[Outcome, ...]
    upstream: Mapping[str, int]
    # What is to be published right before it: a feed's quarantine.
    also: tuple[Publication, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        """Whether an audit forbids to publish it."""
        return any(outcome.blocks for outcome in self.outcomes)

    def publish(self, lakehouse: Lakehouse) -> Published:
        """Publish, unless what it was made from is no longer what is published.

        Raises:
            PublishConflictError: another run published this table, or one it was made from.
        """
        for name, snapshot_id in self.upstream.items():
            table = lakehouse.table(name)
            current = table.current_snapshot() if table else None
            if current is None or current.snapshot_id != snapshot_id:
                raise PublishConflictError(
                    f"Another run published {name} while {self.publication.table.name()[-1]} was made from the "
                    "snapshot before. Nothing of this table is published; run it again."
                )
        lakehouse.holding.confirm()
        return self.publication.commit()


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn an engine's error into one that quotes no data.

    Raises:
        EngineError: instead of anything that the engine or the way to it raised.
    """
    try:
        yield
    except (PySparkException, grpc.RpcError) as error:
        condition = error.getCondition() if isinstance(error, PySparkException) else None
        kind = f"{type(error).__name__}, {condition}" if condition else type(error).__name__
        raise EngineError(
            f"The engine failed while {doing} ({kind}). Nothing of it is published. Its own message is withheld "
            "because it may quote personal data; the engine's log has it."
        ) from None
