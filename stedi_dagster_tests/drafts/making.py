"""All tables made run after run, and the same landing zone made in full: what the second holds is right."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from stedi_dagster.contracts import CONTRACTS, TABLES, Participants
from stedi_dagster.defs.assets.curated import curated_plan, pairing_plan
from stedi_dagster.defs.assets.trusted import accelerometer_plan, customer_plan, step_plan
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.landing import draft_landing
from stedi_dagster.drafts.participants import draft_participants
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.drafts.tables import draft_table
from stedi_dagster.erasure.digests import load_digester
from stedi_dagster.erasure.erase import Eraser
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.policies.people import trusted_customers
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.drafts.feeding import LIMITS
from stedi_dagster_tests.landing.zone import NOW
from stedi_dagster_tests.scenario import Scenario

_BEFORE_PARTICIPANTS = (customer_plan(trusted_customers), accelerometer_plan, curated_plan)
_AFTER_THEM = (step_plan, pairing_plan)


@dataclass
class Making:
    """All tables of one landing zone, made run after run without Dagster."""

    folder: Path
    session: SparkSession
    policy: Policy = field(default_factory=Policy)
    runs: int = 0
    drafts: dict[str, Draft] = field(default_factory=dict)
    erased: bool = False

    def __post_init__(self) -> None:
        self.scenario = Scenario(self.folder)
        self.lakehouse = Lakehouse(self.folder / "home", str(self.folder / "warehouse"))

    def run(
        self, *, full: Collection[str] = (), now_ms: int = NOW, leaving_out: Collection[str] = ()
    ) -> dict[str, Draft]:
        """Make and publish everything, as a run does, or everything but some tables."""
        self.runs += 1
        run = Run(
            f"run {self.runs}",
            now_ms,
            self.policy,
            lambda _contract: "code",
            self.lakehouse,
            lambda: self.session,
            max_doubt=1.0,
            full_refresh=frozenset(full),
        )
        self.drafts = {}
        with self.lakehouse.writing("a test", timeout=0, waiting=print):
            for feed in FEEDS.values():
                listing = list_files(str(self.scenario.landing), feed)
                self._publish(feed.contract.table(), draft_landing(run, feed, listing, LIMITS))
            for plan in (plan for plan in _BEFORE_PARTICIPANTS if plan.contract.table() not in leaving_out):
                self._publish(plan.contract.table(), draft_table(run, plan, self._inputs(plan.inputs)))
            self._publish(PARTICIPANTS, draft_participants(run, self.read("customers_curated")))
            for plan in _AFTER_THEM:
                self._publish(plan.contract.table(), draft_table(run, plan, self._inputs(plan.inputs)))
        return self.drafts

    def read(self, name: str) -> Snapshot:
        found = self.lakehouse.read(name, CONTRACTS[name])
        assert found is not None
        return found

    def holds(self) -> dict[str, Any]:
        """Rows and counts of all tables; participants under the names of the people."""
        names = dict(row[::-1] for row in self.rows(Participants.table()))
        found: dict[str, Any] = {}
        for table in TABLES:
            rows = Counter(tuple(names.get(value, value) for value in row) for row in self.rows(table))
            summary = self.read(table).summary
            found[table] = rows, summary.rows_in, summary.kept, summary.withheld
        return found

    def forget(self, email: str) -> None:
        """Erase somebody."""
        digester = load_digester(self.lakehouse.home, make=True)
        assert digester is not None
        with self.lakehouse.writing("a test", timeout=0, waiting=print):
            eraser = Eraser(self.lakehouse, str(self.scenario.landing), digester, lambda _: None)
            eraser.resume()
            eraser.erase(digester.of(email))
        self.erased = True

    def in_full(self, **more: Any) -> dict[str, Any]:
        """What another lakehouse holds that is made of the same landing zone at once.

        Who is erased is known to this one alone: then it is this one that makes everything in full.
        """
        if self.erased:
            self.run(full=TABLES, **more)
            return self.holds()
        other = Making(self.folder / f"in full {self.runs}", self.session, self.policy)
        other.scenario = self.scenario
        other.run(**more)
        return other.holds()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.read(table).table.scan().to_arrow().to_pylist()]

    def _inputs(self, names: Collection[str]) -> dict[str, Snapshot]:
        return {name: self.read(name) for name in names}

    def _publish(self, name: str, draft: Draft) -> None:
        assert not draft.blocked, (name, [one for one in draft.outcomes if one.blocks])
        self.drafts[name] = draft
        draft.publish(self.lakehouse)
        for commit in draft.commits:
            self.lakehouse.expire(commit.table)
