"""The `stedi` command. Each subcommand imports what it needs when called, so that --help is instant.

Only arguments, progress and output belong here; the work is done by the other packages.
"""

import contextlib
import gc
import sys

from stedi_dagster.stopping import work_until_stopped


def main() -> None:
    """Run the command, and end the process at once.

    The libraries allocate for a second and free nothing: garbage collection meanwhile, and the destruction of a million
    objects at the end, would add a third to a run. Everything that needs closing is closed by then.
    """
    gc.disable()
    work_until_stopped(_command)


def _command() -> int:
    """Run the command line; return the exit code."""
    from stedi_dagster.cli.app import app

    try:
        app()
        status: str | int | None = 0
    except SystemExit as exit_request:
        status = exit_request.code
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
    for stream in (sys.stdout, sys.stderr):
        # The reader of a pipe (`| head`) may be gone.
        with contextlib.suppress(BrokenPipeError, ValueError):
            stream.flush()
    return status if isinstance(status, int) else int(status is not None)
