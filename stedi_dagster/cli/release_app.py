"""The commands of `stedi release`: their names, arguments and help; what they do is in `release`."""

from typing import Annotated

import typer

from stedi_dagster.cli.user_errors import user_errors

app = typer.Typer(
    name="release",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Named data sets of machine_learning_curated for training: they stay as they are, but for people who leave.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The release's name, such as 2026-11.")]


@app.command()
def create(
    name: Name,
    note: Annotated[str | None, typer.Option(help="What there is to say of it; it stands in every copy.")] = None,
    *,
    json: Json = False,
) -> None:
    """Make a release of machine_learning_curated as it is now, split by participant as STEDI_SPLIT says.

    Only if the gate and all standing audits pass. Exits with 1 where they do not.
    """
    with user_errors():
        from stedi_dagster.cli.release import create_release

        raise typer.Exit(0 if create_release(name, note=note, as_json=json) else 1)


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the releases, and all exports: for whom each is, and whether it must be replaced."""
    with user_errors():
        from stedi_dagster.cli.release import list_releases

        list_releases(as_json=json)


@app.command()
def show(
    name: Name,
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Write the card as an HTML page instead.")] = None,
    *,
    json: Json = False,
) -> None:
    """Print a release's card: what is in it, by which rules, who is missing, what its revisions were."""
    with user_errors():
        from stedi_dagster.cli.release import show_release

        show_release(name, page=html, as_json=json)


@app.command()
def export(
    name: Name,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A new folder, or s3://bucket/prefix.")],
    recipient: Annotated[
        str,
        typer.Option("--for", metavar="WHO", help="Who gets the copy: a team or an organisation. The ledger keeps it."),
    ],
    *,
    json: Json = False,
) -> None:
    """Copy a release to a folder that anything opens: Parquet files of each part, card, Croissant, manifest."""
    with user_errors():
        from stedi_dagster.cli.release import export_release

        export_release(name, folder, recipient=recipient, as_json=json)


@app.command()
def verify(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Of the copy.")],
    json: Json = False,
) -> None:
    """Tell of a copy which revision it is, whether its files are intact, and whether it must be replaced.

    Exits with 1 if it is not intact, must be replaced, or was to be destroyed. Away from the lakehouse that it is of,
    only its files can be verified.
    """
    with user_errors():
        from stedi_dagster.cli.release import verify_copy

        raise typer.Exit(0 if verify_copy(folder, as_json=json) else 1)


@app.command()
def destroyed(
    export_number: Annotated[
        str, typer.Argument(metavar="EXPORT", help="The export's number, or how it begins; `stedi release list`.")
    ],
) -> None:
    """Record that no copy of an export is left, as its recipient says: then nobody needs to be told of it again."""
    with user_errors():
        from stedi_dagster.cli.release import record_destroyed

        record_destroyed(export_number)
