"""`stedi ui`: Dagster's own servers, bound to this machine, on the instance of STEDI_HOME."""

import os
import socket
import sys
from pathlib import Path

from stedi_dagster.errors import SettingsError
from stedi_dagster.instance import open_instance
from stedi_dagster.settings import Settings

_CHECKOUT = Path(__file__).parents[2] / "workspace.yaml"
WORKSPACE = ("-w", str(_CHECKOUT)) if _CHECKOUT.exists() else ("-m", "stedi_dagster.definitions")
"""How Dagster is told which definitions to load."""


def serve(port: int, *, read_only: bool) -> None:
    """Become `dagster dev`: web server, daemon and code server, for this machine only.

    Args:
        port: of 127.0.0.1.
        read_only: become the web server alone, and let it change and start nothing.

    Raises:
        SettingsError: a setting is not allowed, or the port is taken.
    """
    settings = Settings.load()
    _refuse_taken(port)
    with open_instance(settings):
        pass  # made now, it is there before the server's processes look for it
    if "ui_url" not in settings.model_fields_set:
        # For the links in alerts, which the server's own processes send.
        os.environ["STEDI_UI_URL"] = f"http://127.0.0.1:{port}"
    server = ("dagster_webserver", "--read-only") if read_only else ("dagster", "dev")
    arguments = [sys.executable, "-m", *server, *WORKSPACE, "-h", "127.0.0.1", "-p", str(port)]
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
