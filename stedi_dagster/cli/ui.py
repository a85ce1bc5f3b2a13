"""`stedi ui`."""

import os
import sys
from pathlib import Path

from stedi_dagster.instance import open_instance
from stedi_dagster.settings import Settings


def serve(port: int) -> None:
    """Become `dagster dev`: web server, daemon and code server, for this machine only."""
    settings = Settings.load()
    with open_instance(settings.home, settings.dagster_home):
        pass  # made now, it is there before the server's processes look for it
    workspace = Path(__file__).parents[2] / "workspace.yaml"
    target = ("-w", str(workspace)) if workspace.exists() else ("-m", "stedi_dagster.definitions")
    arguments = [sys.executable, "-m", "dagster", "dev", *target, "-h", "127.0.0.1", "-p", str(port)]
    os.execv(sys.executable, arguments)  # noqa: S606 - a fixed command, no shell
