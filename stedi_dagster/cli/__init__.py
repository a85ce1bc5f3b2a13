"""The `stedi` command. Each subcommand imports what it needs when it is called, so that --help is instant."""

import contextlib
import gc
import sys

from stedi_dagster.stopping import work_until_stopped


def main() -> None:
    """Run the command, and end the process at once.

    The libraries allocate for a second and free nothing: collecting garbage meanwhile, and taking a million objects
    apart at the end, would add a third to a run. Whatever needs closing is closed by then.
    """
    gc.disable()
    work_until_stopped(_command)


def _command() -> int:
    """Do what the command line asks for; return the exit code."""
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
