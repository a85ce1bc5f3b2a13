"""`stedi ui`."""

import os
import socket
import sys
from pathlib import Path

from stedi_dagster.errors import SettingsError
from stedi_dagster.instance import open_instance
from stedi_dagster.settings import Settings


def serve(port: int) -> None:
    """Become `dagster dev`: web server, daemon and code server, for this machine only.

    Raises:
        SettingsError: a setting is not allowed, or the port is taken.
    """
    settings = Settings.load()
    _refuse_taken(port)
    with open_instance(settings):
        pass  # made now, it is there before the server's processes look for it
    workspace = Path(__file__).parents[2] / "workspace.yaml"
    target = ("-w", str(workspace)) if workspace.exists() else ("-m", "stedi_dagster.definitions")
    arguments = [sys.executable, "-m", "dagster", "dev", *target, "-h", "127.0.0.1", "-p", str(port)]
    os.execv(sys.executable, arguments)  # noqa: S606 - a fixed command, no shell


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): is a UI running already? Stop it, or "
                "choose another with --port."
            ) from None
