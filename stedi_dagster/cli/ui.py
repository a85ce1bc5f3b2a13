"""`stedi ui`: Dagster's own servers, bound to this machine, on the instance of STEDI_HOME."""

import os
import socket

from stedi_dagster.defs.instance.lost_runs import record_ended, record_lost
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.defs.ui import services
from stedi_dagster.errors import SettingsError
from stedi_dagster.settings import Settings

DEFINITIONS = "stedi_dagster.definitions"
"""The module that Dagster loads."""


def serve(port: int, *, read_only: bool) -> None:
    """Serve the UI, for this machine only, until the command is stopped.

    Args:
        port: on 127.0.0.1.
        read_only: whether nobody may start or change anything, and nothing starts by itself.

    Raises:
        SettingsError: a setting is not allowed, or the port is taken.
        StediError: one of its processes ended by itself.
    """
    settings = Settings.load()
    _refuse_taken(port)
    if "ui_url" not in settings.model_fields_set:
        # For the links in alerts, which the server's own processes send.
        os.environ["STEDI_UI_URL"] = f"http://127.0.0.1:{port}"
    # Created before the server's processes look for it.
    with open_instance(settings) as instance:

        def record_runs() -> None:
            if not read_only:
                record_ended(instance)

        def record_lost_runs() -> None:
            if not read_only:
                record_lost(instance, settings.home)  # runs of the UI would wait for theirs to end

        record_runs()  # those that a killed UI left behind
        services.serve(DEFINITIONS, port, read_only=read_only, meanwhile=record_lost_runs, ended=record_runs)


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
