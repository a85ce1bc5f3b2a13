"""`stedi run` in a process of its own, which a planted place ends as `kill -9` would."""

import os
import signal
import subprocess
import sys
from typing import Any

from stedi_dagster_tests.scenario import Scenario

# What `stedi run` runs under: at the planted place, the process is gone, as under `kill -9`.
KILLED_RUN = """
import os, signal
from sqlalchemy.orm import Session
from stedi_dagster.drafts import participants
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.staged import StagedTable

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name, where=lambda *_: True):
    original = getattr(owner, name)
    def dying(*arguments, **more):
        if where(*arguments):
            die()
        return original(*arguments, **more)
    setattr(owner, name, dying)

def after(owner, name, where=lambda *_: True):
    original = getattr(owner, name)
    def dying(*arguments, **more):
        result = original(*arguments, **more)
        if where(*arguments):
            die()
        return result
    setattr(owner, name, dying)

def of(table):
    return lambda subject, *_: subject.table.name()[-1] == table

def staging(table):
    return lambda subject, *_: f"/{table}/" in subject.folder

{place}
from stedi_dagster.cli import main
main()
"""


def start(scenario: Scenario, place: str = "", **settings: Any) -> "subprocess.Popen[str]":
    """`stedi run --json` in a process of its own."""
    environment = {"STEDI_HOME": scenario.home, "STEDI_LANDING": scenario.landing, "PATH": os.environ["PATH"]}
    environment |= {f"STEDI_{name.upper()}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN.replace("{place}", place), "run", "--json"],
        env={name: str(value) for name, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill(scenario: Scenario, place: str) -> None:
    """`stedi run` until it reaches the place."""
    process = start(scenario, place, **scenario.settings)
    told = process.communicate(timeout=1000)
    assert process.returncode == -signal.SIGKILL, told
