"""An erasure that stops anywhere is in the ledger before anything is destroyed; whatever comes next finishes it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.erasure import erase
from stedi_dagster.erasure.ledger import Erasure, Ledger
from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.lock import writer_lock
from stedi_dagster.storage.local import LocalStorage
from stedi_dagster_tests.defs.assets.builders import contents, failure, orphans
from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    ZOE,
    bytes_of,
    forget,
    land_zoe_and_bob,
    standing,
    stedi,
    verify,
)
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.scenario import Scenario, customer

# The calls in the order in which they are made; each stops before it has done its work.
STEPS = {
    "before the ledger": (Commit, "publish", 1),
    "before raw files": (RawFiles, "remove", 1),
    "at the first raw file": (LocalStorage, "_replace", 1),
    "at the second raw file": (LocalStorage, "_replace", 2),
    "before tables": (erase, "delete_rows", 1),
    "between tables": (erase, "delete_rows", 5),
    "within a table's commit": (Commit, "publish", 3),
    "before history": (erase, "expire", 1),
    "between histories": (erase, "expire", 7),
    "before orphans": (erase, "sweep", 1),
    "before it is completed": (Ledger, "complete", 1),
}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(land_zoe_and_bob(Scenario(tmp_path_factory.mktemp("interrupted") / "world", {"lock_timeout": 0})))


@pytest.fixture
def scenario(once: Published) -> Scenario:
    return once.restored()


def erasures(scenario: Scenario) -> list[Erasure]:
    return Ledger(scenario.lakehouse()).erasures()


def stop_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, time: int, error: Exception) -> None:
    original, calls = getattr(owner, name), []

    def stopped(*arguments: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == time:
            raise error
        return original(*arguments, **more)

    monkeypatch.setattr(owner, name, stopped)


@pytest.mark.parametrize("step", STEPS)
def test_an_error_is_one_sentence_and_the_same_command_finishes(scenario, monkeypatch, step):
    before = bytes_of(scenario.folder)
    with monkeypatch.context() as patched:
        stop_at(patched, *STEPS[step], OSError(5, "Input/output error", f"{ZOE}.json"))
        told = stedi(scenario, "forget", "--yes", ZOE)
    assert told.exit_code == 2
    [sentence] = [line for line in told.stderr.splitlines() if line.startswith("stedi: ")]
    assert ZOE not in told.output
    if "raw file" in step and step != "before raw files":
        [begun] = erasures(scenario)
        assert sentence.startswith("stedi: The storage failed while rewriting the landing file ")
        assert f"The erasure {begun.number} is not done" in sentence
    else:
        assert sentence.startswith("stedi: The storage failed while forgetting somebody")
        assert "done when it is run again" in sentence
    if step == "before the ledger":
        assert erasures(scenario) == []
        assert bytes_of(scenario.landing) == {
            path: content for path, content in before.items() if path.startswith(str(scenario.landing))
        }
    else:
        [begun] = erasures(scenario)
        assert begun.completed_at_ms is None
    forget(scenario)
    [done] = erasures(scenario)
    assert done.completed_at_ms is not None
    assert standing(scenario.folder) == set()
    assert verify(scenario) == {}
    assert orphans(scenario) == set()


@pytest.mark.parametrize("step", ["at the second raw file", "between tables", "before it is completed"])
def test_the_next_run_finishes_first(scenario, once, monkeypatch, step):
    with monkeypatch.context() as patched:
        stop_at(patched, *STEPS[step], OSError(5, "Input/output error"))
        assert stedi(scenario, "forget", "--yes", ZOE).exit_code == 2
    assert scenario.run().success
    [done] = erasures(scenario)
    assert done.completed_at_ms is not None
    assert standing(scenario.folder) == set()
    after = contents(scenario)
    for name, rows in once.rows.items():
        if name not in {"participants", "machine_learning_curated"}:
            assert [row for row in rows if BOB in repr(row)] == after[name]


def test_somebody_elses_interrupted_erasure_is_finished_too(scenario, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, *STEPS["between tables"], OSError(5, "Input/output error"))
        assert stedi(scenario, "forget", "--yes", ZOE).exit_code == 2
    forget(scenario, BOB)
    assert [erasure.completed_at_ms is None for erasure in erasures(scenario)] == [False, False]
    assert standing(scenario.folder) == set()


def test_a_run_that_cannot_finish_an_erasure_publishes_nothing_of_any_feed(scenario, monkeypatch):
    stop_at(monkeypatch, *STEPS["before raw files"], OSError(5, "Input/output error"))
    assert stedi(scenario, "forget", "--yes", ZOE).exit_code == 2
    before = contents(scenario)
    monkeypatch.setattr(RawFiles, "remove", _refusing)
    result = scenario.run()
    assert not result.success
    for table in ("customer_landing", "accelerometer_landing", "step_trainer_landing"):
        assert "The storage failed" in failure(result, table)
    assert contents(scenario) == before


def _read_only(*_: Any, **__: Any) -> Any:
    # Who runs the tests may be root, whom no mode of a folder stops.
    raise PermissionError(13, "Permission denied", f"/landing/{ZOE}.json")


def test_where_a_raw_file_cannot_be_rewritten_nothing_begins_and_the_file_is_named(scenario, monkeypatch):
    before = bytes_of(scenario.landing)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "touch", _read_only)
        told = stedi(scenario, "forget", "--yes", ZOE)
    assert told.exit_code == 2
    [sentence] = [line for line in told.stderr.splitlines() if line.startswith("stedi: ")]
    assert sentence == (
        "stedi: The storage failed while rewriting the landing file customer/landing/part-1.json (Permission denied). "
        "Nothing was begun. Give this user the permission to read and write it, and run it again."
    )
    assert erasures(scenario) == []
    assert bytes_of(scenario.landing) == before
    assert not list(scenario.landing.rglob("*.unfinished"))


def test_a_run_that_cannot_rewrite_a_raw_file_names_it_and_the_erasure(scenario, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, *STEPS["before raw files"], OSError(5, "Input/output error"))
        assert stedi(scenario, "forget", "--yes", ZOE).exit_code == 2
    [begun] = erasures(scenario)
    path = scenario.landing / "customer" / "landing" / "part-1.json"
    path.rename(path.with_name(f"of {ZOE}.json"))
    monkeypatch.setattr(LocalStorage, "_replace", _read_only)
    said = failure(scenario.run(), "customer_landing")
    assert "rewriting the landing file customer/landing/of (address) (Permission denied)" in said
    assert f"The erasure {begun.number} is not done, and no run lands anything before it." in said


def _refusing(*_: Any, **__: Any) -> Any:
    raise OSError(13, "Permission denied")


KILLED = """
import os, signal
from pathlib import Path
from stedi_dagster.storage import local
original = Path.replace
def dying(self, target):
    if self.name.endswith(".unfinished") and "/accelerometer/" in str(self):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, target)
Path.replace = dying
from stedi_dagster.cli import main
main()
"""


def test_kill_9_while_a_raw_file_is_written_leaves_it_whole_and_the_next_run_finishes(scenario):
    environment = {"STEDI_HOME": str(scenario.home), "STEDI_LANDING": str(scenario.landing), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, "forget", "--yes"],
        input=ZOE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done
    assert [path.name for path in scenario.landing.rglob("*.unfinished")]
    [begun] = erasures(scenario)
    assert begun.completed_at_ms is None
    assert standing(scenario.landing / "customer") == set()
    assert standing(scenario.landing / "accelerometer")
    assert scenario.run().success
    assert standing(scenario.folder) == set()
    assert not list(scenario.landing.rglob("*.unfinished"))


def test_it_waits_for_a_run_and_says_so(scenario):
    before = bytes_of(scenario.folder)
    with writer_lock(scenario.home, "run of somebody else", timeout=0, waiting=print):
        told = stedi(scenario, "forget", "--yes", ZOE, lock_timeout=0.1)
    assert told.exit_code == 2
    assert "Waiting for the lakehouse, held by run of somebody else" in told.stderr
    assert "was not free within 0.1 s" in told.stderr
    assert bytes_of(scenario.folder) == before


def test_who_registers_anew_while_an_erasure_is_unfinished_is_erased_when_asked_for_again(scenario, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, *STEPS["before tables"], OSError(5, "Input/output error"))
        assert stedi(scenario, "forget", "--yes", ZOE).exit_code == 2
    [begun] = erasures(scenario)
    late = scenario.land("customer", customer(ZOE, registrationDate=begun.erased_at_ms + 1), name="late.json")
    text = late.read_text()
    forget(scenario)
    assert late.read_text() == ""
    late.write_text(text)
    assert scenario.run().success
    assert scenario.query(f"SELECT count(*) FROM customer_landing WHERE email = '{ZOE}'") == [(0,)]


def test_json_holds_the_receipt_and_nothing_else(scenario):
    receipt = json.loads(stedi(scenario, "forget", "--yes", ZOE, "--json").stdout)
    assert receipt.keys() == {"lakehouse", "erasures", "raw", "tables", "resumed"}
    assert receipt["lakehouse"] == "stedi"
    [erasure] = receipt["erasures"]
    assert erasure["begun_ms"] <= erasure["completed_ms"]
    assert receipt["raw"] == {"files": 3, "records": 5, "versions": 0, "hidden": 0}
