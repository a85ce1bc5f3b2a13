"""Random histories of landing, consent, withdrawal, erasure, crash, concurrent run and re-delivery: one oracle.

Nobody without consent can be reached in any table, and nobody who consents is lost. STEDI_TESTS_EXAMPLES=200 plays that
many others, different ones each time.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from stedi_dagster_tests.histories.crashes import Crash, crashes
from stedi_dagster_tests.histories.play import Play
from stedi_dagster_tests.histories.world import Record

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("STEDI_TESTS_EXAMPLES", "0"))
# Without STEDI_TESTS_EXAMPLES the same few histories each time, each with several runs. Phase.shrink takes minutes: add
# it to look into a failure.
FEW = settings(
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    max_examples=EXAMPLES or 5,
    stateful_step_count=8,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

PEOPLE = ("ann@example.com", "bob@example.com", "cid@example.com", "dora@example.com")
who = st.sampled_from(PEOPLE)
# Few moments, so that records are of one, and readings of different people meet.
ticks = st.integers(0, 2)
retentions = st.sampled_from([0, 0, 7])
overtaken = st.sampled_from(["accelerometer_landing", "customer_trusted", "accelerometer_trusted"])
words = st.sampled_from(
    ["cannot be read", "cannot be read", "refuses", "refuses", "agrees", "agrees", "agrees", "is cut off"]
)


@dataclass(frozen=True)
class Says:
    """Somebody registers, agrees or withdraws; `borrows`: with Ann's device."""

    email: str
    what: str
    tick: int
    borrows: bool
    shouts: bool


@dataclass(frozen=True)
class Wears:
    """Somebody's app, device or both deliver a reading."""

    email: str
    tick: int
    feeds: str
    value: float
    shouts: bool


@dataclass(frozen=True)
class Again:
    """A file is delivered once more, under another name."""

    number: int


@dataclass(frozen=True)
class Repaired:
    """A file with a text that could not be read is emptied."""

    number: int


Delivery = Says | Wears | Again | Repaired
numbers = st.integers(0, 30)
# Mostly of the moment at which everybody registered.
says = st.builds(Says, who, words, st.sampled_from([0, 0, 1, 2]), st.sampled_from([False] * 4 + [True]), st.booleans())
wears = st.builds(
    Wears, who, ticks, st.sampled_from(["both", "both", "app", "device"]), st.sampled_from([0.0, 1.0]), st.booleans()
)
deliveries = st.lists(
    says | says | says | wears | st.builds(Again, numbers) | st.builds(Repaired, numbers), min_size=1, max_size=4
)


class Histories(RuleBasedStateMachine):
    """What may happen to a lakehouse of four people."""

    engine = ""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._play = Play(Path(self._folder.name), self.engine)
        self._delivered: list[tuple[str, tuple[Record, ...]]] = []
        self._devices: dict[str, str] = {}

    @initialize(refuses=st.none() | who)
    def everybody_registers(self, refuses: str | None) -> None:
        for number, email in enumerate(PEOPLE):
            self._says(Says(email, "refuses" if email == refuses else "agrees", tick=0, borrows=False, shouts=False))
            self._wears(Wears(email, 0, "both", float(number), shouts=False))
        self._play.run(0)

    @rule(them=deliveries)
    def deliver(self, them: list[Delivery]) -> None:
        self._deliver(them)

    def _deliver(self, them: list[Delivery]) -> None:
        for one in them:
            match one:
                case Says():
                    self._says(one)
                case Wears():
                    self._wears(one)
                case Again():
                    self._again(one)
                case Repaired():
                    self._repaired(one)

    def _says(self, one: Says) -> None:
        device = self._devices.setdefault(one.email, f"serial-of-{'ann' if one.borrows else one.email[:3]}")
        spelled = f" {one.email.upper()}" if one.shouts else one.email
        self._land("customer", self._play.world.says(one.email, device, one.what, one.tick, spelled))

    def _wears(self, one: Wears) -> None:
        world = self._play.world
        if one.feeds != "device":
            spelled = one.email.title() if one.shouts else one.email
            self._land("accelerometer", world.wears(one.email, one.tick, one.value, spelled))
        if one.feeds != "app" and one.email in self._devices:
            self._land("step_trainer", world.steps(one.email, self._devices[one.email], one.tick))

    def _again(self, one: Again) -> None:
        feed, records = self._delivered[one.number % len(self._delivered)]
        self._play.land(feed, *records)

    def _repaired(self, one: Repaired) -> None:
        files = self._play.world.files
        broken = [name for name, records in files.items() if any(not record.readable for record in records)]
        if broken:
            self._play.take_back(broken[one.number % len(broken)])

    def _land(self, feed: str, record: Record) -> None:
        self._delivered.append((feed, (record,)))
        self._play.land(feed, record)

    @rule(them=deliveries, retention=retentions, named=st.booleans(), at_once=st.integers(1, 2))
    def run(self, them: list[Delivery], retention: float, named: bool, at_once: int) -> None:
        """Something comes, and a run gets through, maybe beside another. `named`: there are tags and branches."""
        self._deliver(them)
        if named:
            self._play.name_snapshots()
        self._play.run(retention, at_once=at_once)

    @rule(them=deliveries, retention=retentions, crash=crashes)
    def run_and_crash(self, them: list[Delivery], retention: float, crash: Crash) -> None:
        """Something comes, and a run is killed, if it reaches the place."""
        self._deliver(them)
        self._play.run_and_crash(retention, crash)

    @rule(them=deliveries, table=overtaken)
    def run_and_be_overtaken(self, them: list[Delivery], table: str) -> None:
        """Something comes, and while a run works somebody empties a table."""
        self._deliver(them)
        self._play.run_and_be_overtaken(table)

    @rule(number=st.integers(0, 3), crash=st.none() | crashes, resume=st.booleans(), run_waits=st.booleans())
    def forget(self, number: int, crash: Crash | None, resume: bool, run_waits: bool) -> None:
        """Somebody is erased, mostly one of whom there is something to erase."""
        consenting = self._play.world.consenting()
        email = sorted(PEOPLE, key=lambda one: one not in consenting)[number]
        self._play.forget(email, crash, resume=resume or crash is not None, run_waits=run_waits)
        self._devices.pop(email, None)

    def teardown(self) -> None:
        try:
            self._play.run(0)
        finally:
            self._folder.cleanup()


def test_nobody_without_consent_can_be_reached_and_nobody_who_consents_is_lost(sail_url: str) -> None:
    class OnSail(Histories):
        engine = sail_url

    # Each crash is an error that Dagster reports at length, which would bury the history that Hypothesis prints.
    logging.disable(logging.CRITICAL)
    try:
        run_state_machine_as_test(OnSail, settings=FEW)
    finally:
        logging.disable(logging.NOTSET)
