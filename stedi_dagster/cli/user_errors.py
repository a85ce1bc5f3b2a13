"""How a command ends if it cannot do what was asked. For every command line of the project."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from stedi_dagster.cli.pipes import stop_printing
from stedi_dagster.errors import StediError


@contextmanager
def user_errors(program: str = "stedi", *, code: int = 2) -> Iterator[None]:
    """Turn an expected error into one sentence on standard error and an exit code, not a stack trace."""
    try:
        yield
    except StediError as error:
        typer.echo(f"{program}: {error}", err=True)
        raise typer.Exit(code) from None
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has seen enough.
        stop_printing()
        raise typer.Exit(0) from None
