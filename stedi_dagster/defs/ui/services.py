"""The processes that `stedi ui` is made of: code server, web server and daemon, all ended with the command.

Dagster's own `dagster dev` starts the same three, and lets nobody put a door in front of its web server.
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

# Ends a service, and whatever it started, when this process ends: then the pipe to `cat` closes, even if nobody had
# the time to say so.
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
_ASKED_EVERY = 0.1
_CALLED_EVERY = 5
# No name that anybody could have: reserved by RFC 2606.
_STRANGER = "door.invalid"


@dataclass
class Services:
    """What runs, by what it is."""

    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        """Start Python with these arguments, in a session of its own: an interrupt is for us to pass on."""
        self.running[name] = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", sys.executable, *arguments],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def ended(self) -> str | None:
        """A service that ended by itself, if one did."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Ask all of them to end, which runs that they started hear, too; and have them ended soon after."""
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
        port: of 127.0.0.1.
        read_only: serve the pages alone, and let them change and start nothing.
        meanwhile: called every few seconds.
        ended: called when all processes have been ended.

    Raises:
        StediError: one of the processes ended by itself, or the door is not there.
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
    place = {"socket": str(code_server), "location_name": definitions}
    workspace.write_text(json.dumps({"load_from": [{"grpc_server": place}]}), encoding="utf-8")  # JSON is YAML, too
    target = ("-m", definitions, "--location-name", definitions, "--log-level", "warning")
    services.start("code server", "-m", "dagster", "code-server", "start", "--socket", str(code_server), *target)
    services.start("web server", *web, str(code_server), "-w", str(workspace), *listen)
    services.start("daemon", "-m", "stedi_dagster.defs.ui.daemon", str(code_server), "-w", str(workspace))


def _watch(services: Services, port: int, meanwhile: Callable[[], None]) -> None:
    """Look after them for as long as they run; the web server is first asked whether it is guarded."""
    guarded = False
    called = time.monotonic()
    while (ended := services.ended()) is None:
        if not guarded and (answer := is_guarded(port)) is not None:
            if not answer:
                raise StediError(
                    "The UI is not served: the installed Dagster starts its web server in another way, and requests "
                    "of other sites would reach it. Use the version in requirements.lock."
                )
            guarded = True
        if time.monotonic() - called > _CALLED_EVERY:
            meanwhile()
            called = time.monotonic()
        time.sleep(_ASKED_EVERY)
    raise StediError(f"The UI's {ended} ended by itself: what it said is above.")


def is_guarded(port: int) -> bool | None:
    """Whether a web server refuses who comes by a name that is not its own; None while nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/server_info", headers={"Host": _STRANGER})
        return connection.getresponse().status == HTTPStatus.FORBIDDEN
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _send(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
