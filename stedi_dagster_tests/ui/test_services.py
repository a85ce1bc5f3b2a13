"""The processes of the UI: all of them end with the command, and none serves without its door."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from stedi_dagster.defs.ui import services
from stedi_dagster.defs.ui.services import Services, is_guarded
from stedi_dagster.errors import StediError

# A service, and a run of its own, which would go on for good.
_RUN = "import sys; print('run', end='', flush=True); sys.stdin.read()"
STUBBORN = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
run = subprocess.Popen([sys.executable, "-c", {_RUN!r}], stdin=subprocess.PIPE)
run.wait()
"""


@pytest.fixture(params=[200, 403])
def server(request) -> Iterator[tuple[int, bool]]:
    """A server that answers everybody, and one that answers no stranger."""
    hosts: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving.server_port, request.param == 403
        serving.shutdown()
    assert set(hosts) == {"door.invalid"}


def test_whether_there_is_a_door_is_asked_of_the_server_itself(server):
    port, guarded = server
    assert is_guarded(port) is guarded


def test_a_server_that_does_not_answer_yet_is_asked_again():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert is_guarded(unused.getsockname()[1]) is None


@pytest.mark.parametrize(
    ("answer", "said"), [(False, "requests from other sites"), (True, "The UI's web server ended")]
)
def test_without_the_door_or_without_a_part_of_it_the_ui_is_not_served(monkeypatch, answer, said):
    class Brief(Services):
        asked = 0

        def ended(self) -> str | None:
            self.asked += 1
            return "web server" if self.asked > 3 else None

    monkeypatch.setattr(services, "is_guarded", lambda _: answer)
    monkeypatch.setattr(services, "_POLL_SECONDS", 0)
    with pytest.raises(StediError, match=said):
        services._watch(Brief(), 1, lambda: None)


def test_stopping_ends_a_service_that_will_not_end_and_what_it_started(tmp_path):
    code = f"""
from stedi_dagster.defs.ui.services import Services
services = Services()
services.start("stubborn", "-c", {STUBBORN!r})
input()
services.stop()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.read(3) == b"run"
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.read() == b""  # nobody has it open any more
    assert process.wait() == 0


def test_a_command_that_is_killed_takes_its_services_with_it():
    code = f"""
import os, signal
from stedi_dagster.defs.ui.services import Services
Services().start("stubborn", "-c", {STUBBORN!r})
input()
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.read(3) == b"run"
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.read() == b""
    process.wait()
