"""One writer at a time: who waits is told for whom, gives up after a while, and never waits for the dead."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from stedi_dagster.errors import BusyError
from stedi_dagster.lakehouse.lock import writer_lock

HOLD = """
import sys
from pathlib import Path
from stedi_dagster.lakehouse.lock import writer_lock
with writer_lock(Path(sys.argv[1]), "run one", timeout=0, waiting=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock until its standard input ends, or it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def never_told(holder: str) -> None:
    raise AssertionError(holder)


def test_a_free_lock_is_taken_at_once_and_freed(tmp_path):
    for name in ("one", "two"):
        with writer_lock(tmp_path / "new home", name, timeout=0, waiting=never_told):
            assert name in (tmp_path / "new home" / "lakehouse.holder").read_text()


def test_the_lock_is_freed_when_its_holder_fails(tmp_path):
    with pytest.raises(KeyError), writer_lock(tmp_path, "one", timeout=0, waiting=never_told):
        raise KeyError
    with writer_lock(tmp_path, "two", timeout=0, waiting=never_told):
        pass


def test_two_lakehouses_do_not_wait_for_each_other(tmp_path):
    with (
        writer_lock(tmp_path / "a", "one", timeout=0, waiting=never_told),
        writer_lock(tmp_path / "b", "two", timeout=0, waiting=never_told),
    ):
        pass


def test_who_waits_too_long_is_told_who_holds_it_and_what_to_do(tmp_path, holder):
    told: list[str] = []
    with (
        pytest.raises(BusyError) as error,
        writer_lock(tmp_path, "run two", timeout=0.1, waiting=told.append),
    ):
        raise AssertionError("held twice")
    assert told == [f"run one, process {holder.pid}"]
    assert f"held by run one, process {holder.pid}" in str(error.value)
    assert "0.1 s" in str(error.value)
    assert "STEDI_LOCK_TIMEOUT" in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_who_waits_gets_it_when_the_holder_is_done(tmp_path, holder):
    def finish(_holder: str) -> None:
        threading.Timer(0.1, holder.stdin.close).start()

    with writer_lock(tmp_path, "run two", timeout=600, waiting=finish):
        assert "run two" in (tmp_path / "lakehouse.holder").read_text()


def test_a_holder_that_is_killed_holds_nothing(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with writer_lock(tmp_path, "run two", timeout=0, waiting=never_told):
        pass


def test_a_holder_that_left_no_note_is_another_run(tmp_path, holder):
    (tmp_path / "lakehouse.holder").unlink()
    with pytest.raises(BusyError, match="another run"), writer_lock(tmp_path, "two", timeout=0, waiting=print):
        pass
