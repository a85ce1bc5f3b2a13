"""`python -m stedi_dagster.defs.ui.webserver`: Dagster's own web server, with the door in front of it.

It takes the arguments of `dagster-webserver`; the first is the socket of a code server to wait for, or `-`.
"""

import socket
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import uvicorn

from stedi_dagster.defs.ui.door import Door, named_hosts
from stedi_dagster.settings import Settings

_ASKED_EVERY = 0.05


def main(code_server: str, arguments: list[str]) -> None:
    """Serve until the process ends.

    Args:
        code_server: path of the socket that answers when the definitions are loaded, or `-`.
        arguments: of `dagster-webserver`.
    """
    guard(Settings.load())
    from dagster_webserver.cli import cli  # while the code server starts, which takes as long

    if code_server != "-":
        wait_for(code_server)
    cli(arguments, prog_name="dagster-webserver")


def guard(settings: Settings) -> None:
    """Have whatever this process serves be behind the door.

    Dagster makes its application in one call with serving it, by `uvicorn.run`, and offers nothing in between. That
    the door is there is asked of the server itself once it runs (`services.is_guarded`).
    """
    unguarded = uvicorn.run
    hosts = named_hosts(settings.ui_hosts, settings.ui_url)

    def guarded(app: Any, **options: Any) -> None:
        unguarded(Door(app, hosts), **options)

    uvicorn.run = guarded


def wait_for(path: str) -> None:
    """Wait until somebody answers on a Unix socket; whoever started this process ends it if that is never."""
    while True:
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            if Path(path).exists() and probe.connect_ex(path) == 0:
                return
        time.sleep(_ASKED_EVERY)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
