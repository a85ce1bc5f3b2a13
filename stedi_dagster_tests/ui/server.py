"""`stedi ui` as a process, over the home and the landing zone of a scenario; it always ends, with all it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from stedi_dagster_tests.ports import free_port
from stedi_dagster_tests.scenario import Scenario

# What `stedi` runs under: an interrupt ends it even where the tests were started in the background of a shell, and
# the definitions may be others than the platform's own.
LAUNCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
from stedi_dagster.cli import main, ui
ui.DEFINITIONS = "{definitions}"
main()
"""
PRODUCT = "stedi_dagster.definitions"
_SECONDS_TO_START, _SECONDS_TO_END = 300, 60


@contextmanager
def serving(scenario: Scenario, *options: str, definitions: str = PRODUCT, **settings: Any) -> Iterator[str]:
    """A UI until it is no longer needed; yields its address.

    Args:
        scenario: whose home and landing zone it is.
        options: of `stedi ui`.
        definitions: the module with what Dagster is to load.
        settings: of the platform.
    """
    port = free_port()
    environment = {"STEDI_HOME": scenario.home, "STEDI_LANDING": scenario.landing, "PATH": os.environ["PATH"]}
    environment |= {f"STEDI_{name.upper()}": value for name, value in (scenario.settings | settings).items()}
    log = scenario.folder / f"ui-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH.format(definitions=definitions), "ui", "--port", str(port), *options],
            env={name: str(value) for name, value in environment.items()},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, log)
        yield url
    finally:
        _end(process)


@retry(
    retry=retry_if_exception_type(OSError), wait=wait_fixed(0.2), stop=stop_after_delay(_SECONDS_TO_START), reraise=True
)
def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    assert process.poll() is None, log.read_text()
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    with closing(connection):
        connection.request("GET", "/server_info")
        assert connection.getresponse().status == 200


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS_TO_END)
    # What is left of its session: runs, or all of it if it did not end by itself.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
