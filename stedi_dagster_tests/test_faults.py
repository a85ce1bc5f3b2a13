"""kill -9 at any point, two runs at once, an engine that goes away: readers see whole tables, the next run succeeds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stedi_dagster_tests.defs.assets.builders import CID, contents, failure, orphans, snapshots, three_people
from stedi_dagster_tests.killed_runs import kill, start
from stedi_dagster_tests.overtaking import overtake
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

pytestmark = pytest.mark.long

PLACES = {
    "before anything is staged": "before(Lakehouse, 'stage')",
    "while a feed is staged": "after(StagedTable, 'write_frame', staging('accelerometer_landing'))",
    "within a commit, its metadata written and the catalog not": "before(Session, 'commit')",
    "between the landing table's commit and its quarantine's": "after(Commit, 'publish', of('customer_landing'))",
    "between a trusted table's commit and the next one's": "after(Commit, 'publish', of('accelerometer_trusted'))",
    "while participants are staged": "after(StagedTable, 'write_rows', staging('participants'))",
    "after the participants' commit": "after(Commit, 'publish', of('participants'))",
    "after the last commit": "after(Commit, 'publish', of('machine_learning_curated'))",
}

FIRST_PLACES = {
    "before the first table is in the catalog": "before(Session, 'commit')",
    "before anything is published": "before(Commit, 'publish')",
}


def without_numbers(scenario: Scenario, known: Mapping[str, str] | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every published table, with people instead of their random numbers.

    Args:
        scenario: the tables.
        known: numbers of people who may be forgotten in `participants` already.
    """
    found = contents(scenario)
    people = {number: email for email, number in (*(known or {}).items(), *found.get("participants", ()))}
    return {
        name: sorted(tuple(people.get(value, value) for value in row) for row in rows) for name, rows in found.items()
    }


class Change:
    """A published world to which new people come. Every test finds it as it was before they were published."""

    def __init__(self, folder: Path) -> None:
        self.scenario = three_people(folder)
        self.scenario.settings |= {"max_bad_share": 0.5, "lock_timeout": 0}
        assert self.scenario.run().success
        self.old = without_numbers(self.scenario)
        self.numbers = self.participants()
        self._backup = folder / "before"
        shutil.copytree(self.scenario.home, self._backup)
        self.land()
        assert self.scenario.run().success
        self.new = without_numbers(self.scenario)

    def land(self) -> None:
        """Somebody new comes, somebody withdraws, a text is no record."""
        new, gone = "dora@example.com", customer(CID, agreed=None, lastUpdateDate=T0 + 5000)
        self.scenario.land("customer", customer(new), gone, name="part-2.json")
        self.scenario.land_text("customer", "{", name="broken.json")
        self.scenario.land("accelerometer", reading(new, T0 + 3000), name="part-2.json")
        self.scenario.land("step_trainer", step(f"serial-of-{new}", T0 + 3000), name="part-2.json")

    def undo(self) -> None:
        """Go back to what was published before the change."""
        self.land()
        shutil.rmtree(self.scenario.home)
        shutil.copytree(self._backup, self.scenario.home)

    def participants(self) -> dict[str, str]:
        return dict(self.scenario.query("SELECT email, participantId FROM participants"))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Change:
    return Change(tmp_path_factory.mktemp("change"))


@pytest.fixture
def change(once: Change) -> Change:
    once.undo()
    return once


@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_is_killed_leaves_whole_tables_and_the_next_one_succeeds(change, place):
    kill(change.scenario, PLACES[place])
    for name, rows in without_numbers(change.scenario, change.numbers).items():
        assert rows in (change.old[name], change.new[name]), f"{name} is neither old nor new"
    assert change.scenario.run().success
    assert without_numbers(change.scenario) == change.new
    stayed = {email: number for email, number in change.numbers.items() if email != CID}
    assert stayed.items() <= change.participants().items()
    assert CID not in change.participants()
    assert orphans(change.scenario) == set()


def test_what_a_killed_run_left_is_removed_even_if_its_change_is_taken_back(change):
    scenario = change.scenario
    kill(scenario, PLACES["while participants are staged"])
    assert any("/participants/" in path for path in orphans(scenario))
    for pattern in ("*-2.json", "broken.json"):
        for path in scenario.landing.rglob(pattern):
            path.unlink()
    assert scenario.run().success
    assert without_numbers(scenario) == change.old
    assert orphans(scenario) == set()


@pytest.mark.parametrize("place", FIRST_PLACES)
def test_the_very_first_run_may_be_killed_too(tmp_path, once, place):
    scenario = three_people(tmp_path)
    kill(scenario, FIRST_PLACES[place])
    assert scenario.run(lock_timeout=0).success
    assert without_numbers(scenario) == once.old
    assert orphans(scenario) == set()


def test_two_runs_at_once_publish_what_one_would(tmp_path, once):
    scenario = three_people(tmp_path)
    processes = [start(scenario), start(scenario)]
    told = [json.loads(process.communicate(timeout=1000)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(run["success"] for run in told)
    states = {frozenset(line["state"] for line in run["tables"]) for run in told}
    assert states == {frozenset({"published"}), frozenset({"unchanged"})}
    assert without_numbers(scenario) == once.old
    assert orphans(scenario) == set()


def test_a_run_that_may_not_wait_fails_and_tells_who_holds_the_lakehouse(tmp_path):
    from stedi_dagster.lakehouse.lock import writer_lock

    scenario = three_people(tmp_path)
    with writer_lock(scenario.home, "run of somebody else", timeout=0, waiting=print):
        result = scenario.run(lock_timeout=0.1)
    assert not result.success
    assert "held by run of somebody else" in failure(result, "customer_landing")
    assert not (scenario.home / "warehouse").exists()


@pytest.mark.parametrize("overtaken", ["accelerometer_landing", "customer_trusted", "accelerometer_trusted"])
def test_a_draft_that_was_overtaken_is_refused(tmp_path, monkeypatch, overtaken):
    scenario = three_people(tmp_path)
    overtake(monkeypatch, scenario, "accelerometer_trusted", overtaken)
    result = scenario.run()
    assert not result.success
    assert f"Another run published {overtaken}" in failure(result, "accelerometer_trusted").replace("stedi.", "")
    assert "accelerometer_trusted" not in set(snapshots(scenario)) - {overtaken}
    assert scenario.rows(overtaken) == []
    monkeypatch.undo()
    assert scenario.run().success
    assert len(scenario.rows("accelerometer_trusted")) == 4
    assert orphans(scenario) == set()


SERVE = """
import sys
from stedi_dagster.engines.sail import Sail
with Sail().serving() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def server() -> Iterator["subprocess.Popen[str]"]:
    """An engine in a process of its own, whose first line is its URL."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_an_engine_that_goes_away_is_one_clear_error(tmp_path, monkeypatch, server):
    from stedi_dagster.drafts import making
    from stedi_dagster.engines import base

    scenario = three_people(tmp_path)
    assert server.stdout is not None
    url = server.stdout.readline().strip()

    def stage_and_kill(*arguments: Any) -> Any:
        server.kill()
        server.wait()
        return original(*arguments)

    def impatient(*arguments: Any) -> Any:
        session: Any = patient(*arguments)
        session.client.set_retry_policies([])
        return session

    original, patient = making._in_full, base.connect
    monkeypatch.setattr(making, "_in_full", stage_and_kill)
    monkeypatch.setattr(base, "connect", impatient)
    with dg.DagsterInstance.ephemeral() as instance:
        result = scenario.run(instance, engine=url)
    assert not result.success
    text = failure(result, "customer_trusted")
    assert "The engine failed while computing customer_trusted" in text
    assert "Nothing of it is published" in text
    assert "customer_trusted" not in snapshots(scenario)
    monkeypatch.undo()
    assert scenario.run().success
    assert orphans(scenario) == set()
