"""One history: a lakehouse and its landing zone beside the world that they should be, compared after every deed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.erasure.digests import Digester, load_digester
from stedi_dagster.erasure.erase import Eraser
from stedi_dagster.erasure.ledger import Ledger
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.run_tags import ACCEPT_VOLUME
from stedi_dagster_tests.histories.crashes import Crash, Killed, crashing
from stedi_dagster_tests.histories.judge import Erasures, Judge
from stedi_dagster_tests.histories.world import Erased, Record, World
from stedi_dagster_tests.overtaking import overtake
from stedi_dagster_tests.scenario import Scenario

# A history may take back all that was delivered.
_SMALLER = {ACCEPT_VOLUME: "customer,accelerometer,step_trainer"}


class Play:
    """Does what happens, to the platform and to the world, and has the one held against the other."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.scenario = Scenario(folder, {"engine": engine, "max_bad_share": 1.0})
        self.world = World()
        self._judge = Judge(self.scenario, self.world)

    def land(self, feed: str, *records: Record) -> None:
        """A file is delivered."""
        name = f"{len(self.world.files):03}.json"
        self.world.files[name] = records
        self.scenario.land_text(feed, "".join(record.text + "\n" for record in records), name=name)

    def take_back(self, name: str) -> None:
        """A customer file is emptied."""
        self.world.files[name] = ()
        self.scenario.land_text("customer", "", name=name)

    def name_snapshots(self) -> None:
        """An operator gives the current snapshots names, which must keep nobody in them."""
        for table in self.scenario.lakehouse().tables():
            if (current := table.metadata.current_snapshot_id) is not None:
                number = len(table.metadata.refs)
                manage = table.manage_snapshots().create_tag(current, f"tag-{number}")
                manage.create_branch(current, f"branch-{number}").commit()

    def run(self, retention: float, *, at_once: int = 1) -> None:
        """One run, or several at once of which the others wait; all must succeed."""
        done: list[bool] = []
        threads = [_started(lambda: done.append(self._run(retention))) for _ in range(at_once)]
        for thread in threads:
            thread.join()
        assert done == [True] * at_once, "a run failed that nothing disturbed"
        self._succeeded(retention)

    def run_and_crash(self, retention: float, crash: Crash) -> None:
        """A run that is killed somewhere, or gets through if it does not come there."""
        with crashing(crash) as fate:
            success = self._run(retention)
        assert success != fate.dead
        if success:
            self._succeeded(retention)
        else:
            self._failed()

    def run_and_be_overtaken(self, table: str) -> None:
        """A run during which somebody else, who holds another lock, empties a table."""
        with pytest.MonkeyPatch.context() as patching:
            overtake(patching, self.scenario, "accelerometer_trusted", table)
            assert not self._run(retention=7), "a run succeeded on what was no longer current"
        self._failed(emptied=table)

    def forget(self, email: str, crash: Crash | None, *, resume: bool, run_waits: bool) -> None:
        """An erasure: killed or not, after finishing those that were killed or not, while a run waits for it or not."""
        # What is dated after an erasure lies before the next.
        time.sleep(max(0.0, max(self.world.since.values(), default=0) / 1000 + 0.05 - time.time()))
        done: list[bool] = []
        waiting = None
        lakehouse = self.scenario.lakehouse()
        with lakehouse.writing("a test", timeout=100, waiting=print):
            if run_waits:
                waiting = _started(lambda: done.append(self._run(0)))
            self._erase(lakehouse, email, crash, resume=resume)
        if waiting is not None:
            waiting.join()
            assert done == [True]
            self._succeeded(0)

    def _erase(self, lakehouse: Lakehouse, email: str, crash: Crash | None, *, resume: bool) -> None:
        digester = load_digester(lakehouse.home, make=True)
        assert digester is not None
        eraser = Eraser(lakehouse, str(self.scenario.landing), digester, lambda _: None)
        whole = True
        with crashing(crash) if crash else nullcontext() as fate:
            try:
                if resume:
                    eraser.resume()
                eraser.erase(digester.of(email))
            except Killed:
                whole = False
        assert whole or (fate is not None and fate.dead)
        with self._noting() as erasures:
            self._learn(digester, resumed=resume)
            if self._entries(digester, email) > self._erasures_of(email):
                serials, shared = self.world.serials_of(email), self._shared(email, erasures())
                self._begin(len(self.world.erasures), Erased(email, serials, shared, _now(), whole))
            elif whole:
                self._begin_again(email, self._shared(email, erasures()))
        self._judge.erasure(erasures())
        self.world.since[email] = _now() + 1

    def _begin(self, number: int, erased: Erased) -> None:
        self.world.erasures[number:] = [erased, *self.world.erasures[number + 1 :]]
        self.world.erase(erased, resumed=False)

    def _shared(self, email: str, meanwhile: Erasures) -> frozenset[str]:
        return self.world.shared(email, self._judge.landed(meanwhile))

    def _begin_again(self, email: str, shared: frozenset[str]) -> None:
        """An erasure was killed, and is not resumed but asked for anew: it counts from now on."""
        [(number, begun)] = [
            (number, erased)
            for number, erased in enumerate(self.world.erasures)
            if erased.person == email and not erased.done
        ]
        serials = begun.serials | self.world.serials_of(email)
        self._begin(number, replace(begun, serials=serials, shared=begun.shared | shared, at=_now(), done=True))

    def _learn(self, digester: Digester, *, resumed: bool) -> None:
        """See from the ledger which erasures that had been killed are done now, by being resumed."""
        for number, erased in enumerate(self.world.erasures):
            if erased.done or not resumed:
                continue
            again = self._entries(digester, erased.person) > self._erasures_of(erased.person)
            if again or not self._entries(digester, erased.person, done=False):
                self.world.erasures[number] = replace(erased, done=True)
                self.world.erase(erased, resumed=True)

    def _erasures_of(self, email: str) -> int:
        return sum(erased.person == email for erased in self.world.erasures)

    @contextmanager
    def _noting(self) -> Iterator[Callable[[], Erasures]]:
        """Note what becomes of erasures meanwhile."""
        done = {number for number, erased in enumerate(self.world.erasures) if erased.done}

        def erasures() -> Erasures:
            others = [erased for number, erased in enumerate(self.world.erasures) if number not in done]
            return Erasures(
                tuple(erased for erased in others if erased.done), tuple(erased for erased in others if not erased.done)
            )

        yield erasures

    def _entries(self, digester: Digester, email: str, *, done: bool | None = None) -> int:
        """How many erasures of a person the ledger has."""
        found = [
            entry
            for entry in Ledger(self.scenario.lakehouse()).erasures()
            if any((trace.what, trace.digest) == ("email", digester.of(email)) for trace in entry.traces)
        ]
        return sum(done in (None, entry.completed_at_ms is not None) for entry in found)

    def _succeeded(self, retention: float) -> None:
        erasures = self._resumed()
        assert not erasures.unfinished, "a run left an erasure that was killed"
        self._judge.success(erasures, everything=retention == 0)

    def _failed(self, emptied: str | None = None) -> None:
        self._judge.failure(self._resumed(), emptied)

    def _resumed(self) -> Erasures:
        with self._noting() as erasures:
            digester = load_digester(self.scenario.home, make=False)
            if digester is not None:
                self._learn(digester, resumed=True)
        return erasures()

    def _run(self, retention: float) -> bool:
        with dg.DagsterInstance.ephemeral() as instance:
            return self.scenario.run(instance, retention=retention, tags=_SMALLER).success


def _started(target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def _now() -> int:
    return time.time_ns() // 1_000_000
