"""`python -m infra deploy|destroy`: names, options and help; what they do is in `infra.stack`."""

import sys
from typing import Annotated

import typer

from infra.stack import Stack
from stedi_dagster.cli.settings import exports, read_roles, read_stack
from stedi_dagster.cli.user_errors import user_errors
from stedi_dagster.errors import StediError

app = typer.Typer(
    name="infra",
    help="The AWS side of the STEDI lakehouse: one CloudFormation stack.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Option(help="The stack's name, with which its bucket's name begins.")]
Region = Annotated[str | None, typer.Option(help="By default your AWS configuration's.")]


@app.command()
def deploy(
    name: Name = "stedi",
    region: Region = None,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of infra/stack.yaml; may be repeated.")
    ] = None,
) -> None:
    """Create or update the stack, and print its settings for a shell.

    An update keeps the parameters that are not given.
    """
    with user_errors("infra", code=1):
        stack = Stack(name, region)
        changed = stack.deploy(_parameters(parameter or []))
        typer.echo(f"{stack} is {'deployed' if changed else 'up to date'}.", err=True)
        for role, value in read_roles(name, stack.region).items():
            typer.echo(f"{role}: {value}", err=True)
        typer.echo(exports(read_stack(name, stack.region)))


@app.command()
def destroy(
    name: Name = "stedi",
    region: Region = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete the bucket with every version, and the databases.")
    ] = False,
) -> None:
    """Delete the stack. The bucket and the Glue databases stay, unless --delete-data is given."""
    with user_errors("infra", code=1):
        stack = Stack(name, region)
        kept = stack.data()
        if not yes:
            _confirm(f"{stack} will be deleted{f', with all data in {kept}' if delete_data else ''}", name)
        stack.destroy(delete_data=delete_data)
        typer.echo(f"{stack} is deleted.", err=True)
        if delete_data:
            typer.echo(f"Its data is deleted: {kept}.", err=True)
        else:
            typer.echo(
                f"Its data is kept, at the cost of S3's storage: {kept}. Deploying {name} again takes it over; "
                f"to delete it, do that and run this with --delete-data.",
                err=True,
            )


def _parameters(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = [name for name, equals, _ in pairs if not (name and equals)]
    if wrong:
        raise StediError(f"--parameter {wrong[0]} is not NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _confirm(what: str, name: str) -> None:
    if not _is_interactive():
        raise StediError(f"{what}: to do that without being asked, give --yes.")
    if typer.prompt(f"{what}. Type its name to go on") != name:
        raise StediError("That is not its name; nothing is deleted.")


def _is_interactive() -> bool:
    return sys.stdin.isatty()


if __name__ == "__main__":
    app()
