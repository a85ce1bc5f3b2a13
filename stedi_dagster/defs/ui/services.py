"""The processes that `stedi ui` consists of: code server, web server and daemon, all ended with the command.

Dagster's own `dagster dev` starts the same three, but does not allow a door in front of its web server.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from stedi_dagster.errors import StediError
from stedi_dagster.stopping import if_stopped

# Ends a service, and whatever it started, when this process ends: the pipe to `cat` then closes, even after a kill.
_GUARD = """
trap : TERM
exec 3<&0
"$@" 3<&- &
service=$!
{ cat <&3 >/dev/null; kill -KILL 0; } &
wait $service
code=$?
[ $code -gt 128 ] && wait $service
kill -KILL 0
"""
_GRACE_SECONDS = 0.8
_POLL_SECONDS = 0.1
_CALL_SECONDS = 5
# A name that nobody can have: reserved by RFC 2606.
_FOREIGN_HOST = "door.invalid"


@dataclass
class Services:
    """The running processes by name."""

    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        """Start Python with these arguments, in its own session, so that we pass on interrupts."""
        self.running[name] = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", sys.executable, *arguments],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def ended(self) -> str | None:
        """The name of a service that ended by itself, if one did."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Ask all of them, and the runs that they started, to end; kill them soon after."""
        for process in self.running.values():
            _send(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in self.running.values():
            _send(process, signal.SIGKILL)


def serve(
    definitions: str, port: int, *, read_only: bool, meanwhile: Callable[[], None], ended: Callable[[], None]
) -> None:
    """Serve the UI until the command is stopped.

    Args:
        definitions: the module that Dagster is to load.
        port: on 127.0.0.1.
        read_only: serve only the pages, which cannot change or start anything.
        meanwhile: called every few seconds.
        ended: called when all processes have ended.

    Raises:
        StediError: one of the processes ended by itself, or the door is missing.
    """
    services = Services()
    folder = tempfile.TemporaryDirectory(prefix="stedi-ui-")
    with folder, if_stopped(folder.cleanup), if_stopped(ended), if_stopped(services.stop):
        try:
            _start(services, Path(folder.name), definitions, port, read_only=read_only)
            _watch(services, port, meanwhile)
        finally:
            services.stop()
            ended()


def _start(services: Services, folder: Path, definitions: str, port: int, *, read_only: bool) -> None:
    web = ("-m", "stedi_dagster.defs.ui.webserver")
    listen = ("-h", "127.0.0.1", "-p", str(port))
    if read_only:
        services.start("web server", *web, "-", "--read-only", "-m", definitions, *listen)
        return
    code_server = folder / "code"
    workspace = folder / "workspace.yaml"
    location = {"socket": str(code_server), "location_name": definitions}
    workspace.write_text(json.dumps({"load_from": [{"grpc_server": location}]}), encoding="utf-8")  # JSON is YAML, too
    target = ("-m", definitions, "--location-name", definitions, "--log-level", "warning")
    services.start("code server", "-m", "dagster", "code-server", "start", "--socket", str(code_server), *target)
    services.start("web server", *web, str(code_server), "-w", str(workspace), *listen)
    services.start("daemon", "-m", "stedi_dagster.defs.ui.daemon", str(code_server), "-w", str(workspace))


def _watch(services: Services, port: int, meanwhile: Callable[[], None]) -> None:
    """Watch the processes as long as they run, after checking that the web server is guarded."""
    guarded = False
    called = time.monotonic()
    while (ended := services.ended()) is None:
        if not guarded and (answer := is_guarded(port)) is not None:
            if not answer:
                raise StediError(
                    "The UI is not served: the installed Dagster starts its web server in a different way, so that "
                    "requests from other sites would reach it. Use the version in requirements.lock."
                )
            guarded = True
        if time.monotonic() - called > _CALL_SECONDS:
            meanwhile()
            called = time.monotonic()
        time.sleep(_POLL_SECONDS)
    raise StediError(f"The UI's {ended} ended by itself: see its output above.")


def is_guarded(port: int) -> bool | None:
    """Whether the web server refuses requests for a name that is not its own; None while it does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/server_info", headers={"Host": _FOREIGN_HOST})
        return connection.getresponse().status == HTTPStatus.FORBIDDEN
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _send(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
