"""`python -m stedi_dagster.defs.ui.webserver`: Dagster's own web server behind the door.

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

_POLL_SECONDS = 0.05


def main(code_server: str, arguments: list[str]) -> None:
    """Serve until the process ends.

    Args:
        code_server: path of the socket that answers when the definitions are loaded, or `-`.
        arguments: those of `dagster-webserver`.
    """
    guard(Settings.load())
    from dagster_webserver.cli import cli  # takes as long as the start of the code server, which happens meanwhile

    if code_server != "-":
        wait_for(code_server)
    cli(arguments, prog_name="dagster-webserver")


def guard(settings: Settings) -> None:
    """Put whatever this process serves behind the door.

    Dagster creates and serves its application in one call, with `uvicorn.run`, and offers no hook in between. Once the
    server runs, `services.is_guarded` checks that the door works.
    """
    unguarded = uvicorn.run
    hosts = named_hosts(settings.ui_hosts, settings.ui_url)

    def guarded(app: Any, **options: Any) -> None:
        unguarded(Door(app, hosts), **options)

    uvicorn.run = guarded


def wait_for(path: str) -> None:
    """Wait until a Unix socket answers; if it never does, the process that started this one ends it."""
    while True:
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            if Path(path).exists() and probe.connect_ex(path) == 0:
                return
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
