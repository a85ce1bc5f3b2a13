"""Runs that the UI starts wait in Dagster's queue while another has the lakehouse, and for nobody who was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient
from tenacity import Retrying, stop_after_delay, wait_fixed

from stedi_dagster_tests.defs.assets.builders import three_people
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.ui.server import serving

pytestmark = pytest.mark.long

WAITED_FOR = 200
STARTED, QUEUED, SUCCESS = DagsterRunStatus.STARTED, DagsterRunStatus.QUEUED, DagsterRunStatus.SUCCESS


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for attempt in Retrying(stop=stop_after_delay(WAITED_FOR), wait=wait_fixed(0.5), reraise=True):
        with attempt:
            assert holds()


def running(scenario: Scenario) -> "subprocess.Popen[bytes]":
    """`stedi run` as a process of its own, which waits for the lock."""
    environment = {"STEDI_HOME": scenario.home, "STEDI_LANDING": scenario.landing, "PATH": os.environ["PATH"]}
    return subprocess.Popen(
        [sys.executable, "-c", "from stedi_dagster.cli import main; main()", "run"],
        env={name: str(value) for name, value in environment.items()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def under_way(scenario: Scenario) -> bool:
    """Whether `stedi run` has begun."""
    return bool(list((scenario.home / "running").glob("*.lock")))


def test_runs_of_the_ui_wait_for_each_other_in_the_queue_and_not_for_a_run_that_was_killed(tmp_path: Path):
    scenario = three_people(tmp_path)
    lakehouse = scenario.lakehouse()
    with serving(scenario) as url:
        ui = DagsterGraphQLClient("127.0.0.1", port_number=int(url.rpartition(":")[2]))
        with lakehouse.writing("a test", timeout=0, waiting=lambda _: None):
            killed = running(scenario)
            eventually(lambda: under_way(scenario))
            first = ui.submit_job_execution("landing")
            assert ui.get_run_status(first) in {QUEUED, DagsterRunStatus.NOT_STARTED}
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            # Nobody has to start a command for the killed run's place to be free.
            eventually(lambda: ui.get_run_status(first) == STARTED)
            second = ui.submit_job_execution("landing")
            eventually(lambda: ui.get_run_status(second) == QUEUED)
            assert ui.get_run_status(first) == STARTED
        eventually(lambda: ui.get_run_status(first) == SUCCESS)
        eventually(lambda: ui.get_run_status(second) == SUCCESS)
