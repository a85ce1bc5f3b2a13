"""Ctrl-C and SIGTERM: said at once, nothing half done, the exit code of the signal; whatever the command is doing."""

import os
import signal
import subprocess
import sys

import dagster as dg
import pytest

from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster_tests.defs.assets.builders import orphans, three_people
from stedi_dagster_tests.scenario import Scenario

# `stedi` that says so once it has reached a place, and is then busy for good in a library that hears no signal:
# a sleep in C, which holds no lock of the interpreter.
BUSY = """
import ctypes, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell has it for what it starts with `&`
from stedi_dagster.cli import main

def busy(owner, name):
    original = getattr(owner, name)
    def reached(*arguments, **more):
        sys.stdout.write("reached\\n")
        sys.stdout.flush()
        while True:
            ctypes.CDLL(None).pause()
    setattr(owner, name, reached)

{place}
main()
"""
IN_A_RUN = """
from stedi_dagster.lakehouse.staged import StagedTable
busy(StagedTable, "files")
"""
IN_A_COMMAND = """
from stedi_dagster.cli import {command} as module
busy(module, "{function}")
"""
STOPPED = "Stopping …\n"


def stopped(place: str, *arguments: str, by: signal.Signals, **environment: str) -> str:
    """Start a command, stop it at a place, and return what it said on standard error; its exit code is the signal's."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY.replace("{place}", place), *arguments],
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "reached\n", process.communicate()
    process.send_signal(by)
    _, told = process.communicate()
    assert process.returncode == 128 + by, told
    return told


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, str]:
    """A run that was stopped while it staged a table, and what it said."""
    scenario = three_people(tmp_path_factory.mktemp("interrupted"))
    places = {"STEDI_HOME": str(scenario.home), "STEDI_LANDING": str(scenario.landing)}
    return scenario, stopped(IN_A_RUN, "run", by=signal.SIGINT, **places)


def test_a_run_that_is_stopped_says_so_and_nothing_else(interrupted):
    _, told = interrupted
    assert told.endswith(STOPPED)
    assert "Traceback" not in told
    assert told.count("\n") < 10  # what it had told of its progress before


def test_a_run_that_is_stopped_is_not_shown_as_running(interrupted, monkeypatch):
    scenario, _ = interrupted
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")
    with open_instance(scenario.load_settings()) as instance:
        [run] = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.CANCELED


def test_the_next_run_does_it_all_and_nothing_is_left_of_the_one_that_was_stopped(interrupted):
    scenario, _ = interrupted
    assert scenario.run(lock_timeout=0).success
    assert orphans(scenario) == set()


def test_a_run_that_was_killed_is_not_shown_as_running_either(tmp_path, monkeypatch):
    from stedi_dagster.defs.instance.lost_runs import running

    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")
    settings = Scenario(tmp_path).load_settings()

    @dg.job
    def quiet() -> None:
        """Nothing."""

    def started(instance: dg.DagsterInstance) -> str:
        run = instance.create_run_for_job(quiet, status=dg.DagsterRunStatus.STARTED)
        return run.run_id

    with open_instance(settings) as instance:
        alive, dead = started(instance), started(instance)
        (tmp_path / "home" / "running").mkdir(exist_ok=True)
        (tmp_path / "home" / "running" / f"{dead}.lock").touch()
        with running(instance, alive, settings.home), open_instance(settings) as again:
            statuses = [again.get_run_by_id(run) for run in (alive, dead)]
            assert [run.status.value for run in statuses if run] == ["STARTED", "CANCELED"]
    assert list((tmp_path / "home" / "running").iterdir()) == []


@pytest.mark.parametrize(
    ("command", "function"),
    [
        (["generate", "zone"], "generate"),
        (["ui", "--port", "1"], "_refuse_taken"),
        (["audit"], "open_lakehouse"),
        (["forget", "ann@example.com", "--yes"], "open_lakehouse"),
        (["report", "report.html"], "open_lakehouse"),
        (["sql", "SELECT 1"], "open_lakehouse"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_any_command_ends_with_the_signals_number(tmp_path, command, function):
    place = IN_A_COMMAND.format(command=command[0], function=function)
    arguments = [str(tmp_path / part) if part == "zone" else part for part in command]
    told = stopped(place, *arguments, by=signal.SIGTERM, STEDI_HOME=str(tmp_path / "home"))
    assert told == STOPPED
    assert list(tmp_path.rglob("*.json")) == []


def test_a_command_whose_reader_has_gone_ends_without_a_word(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", "from stedi_dagster.cli import main; main()", "settings"],
        env={"PATH": os.environ["PATH"], "STEDI_HOME": str(tmp_path / "home")},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")
