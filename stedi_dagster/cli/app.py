"""The subcommands' names, arguments and help; what they do is in the other modules of this package."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stedi_dagster.cli.arguments import TextCommand, known_feeds, known_tables
from stedi_dagster.cli.release_app import app as release_app
from stedi_dagster.cli.user_errors import user_errors
from stedi_dagster.errors import StediError

app = typer.Typer(
    name="stedi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(release_app)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stedi {version('stedi-dagster')}")
        raise typer.Exit


@app.callback()
def stedi(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The STEDI lakehouse: from three JSON feeds to eight consent-checked Iceberg tables.

    Exit codes: 0, all is well. 1, the answer is no: a run could not publish a table, an audit failed, `forget --verify`
    found the person or a file that it could not look into, `alerts test` did not reach somebody, or a question was
    answered with no. 2, the command could not do its work, and says why: a wrong setting, a landing zone of which
    nothing can be read, a locked or damaged database, and the like. 129, 130 and 143, the command was stopped by a lost
    terminal, Ctrl-C or SIGTERM: nothing is half published, and the next run removes what was staged.
    """


@app.command()
def generate(
    landing: Annotated[Path, typer.Argument(help="The landing zone to fill; must hold no feed yet.")] = Path(
        "data/landing"
    ),
    scale: Annotated[float, typer.Option(help="1 has as many records as the public data: 110,909.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 0,
    quirks: Annotated[bool, typer.Option("--quirks", help="Add every oddity that a landing zone may hold.")] = False,
) -> None:
    """Make sample landing data: the same for the same options."""
    with user_errors():
        from stedi_dagster.cli.generate import generate_sample

        generate_sample(landing, scale=scale, seed=seed, quirks=quirks)


@app.command()
def run(
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TABLE", callback=known_tables, help="With --full-refresh: these alone, and what is made of them."
        ),
    ] = None,
    *,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Make all tables in full, from the raw files, although nothing is new."),
    ] = False,
    json: Json = False,
    accept_volume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEED",
            callback=known_feeds,
            help="A feed that is meant to be smaller than before, or empty, this once; may be repeated.",
        ),
    ] = None,
) -> None:
    """Materialize all tables through Dagster, in this process.

    While nothing is new, no record is read: what the checks found is recorded once more. Exits with 1 if a table could
    not be published, for example because a check failed.
    """
    with user_errors():
        from stedi_dagster.cli.run import run_everything
        from stedi_dagster.run_tags import ALL

        if tables and not full_refresh:
            raise StediError("A run makes whatever is new. Tables are named with --full-refresh, or not at all.")
        anew = tables or [ALL] if full_refresh else []
        raise typer.Exit(0 if run_everything(as_json=json, accept_volume=accept_volume or [], full_refresh=anew) else 1)


@app.command()
def audit(json: Json = False) -> None:
    """Ask of what is published whether it keeps the rules, starting from what landed.

    What is found is also recorded for the UI. Exits with 1 if an audit failed, with 0 if one only warns.
    """
    with user_errors():
        from stedi_dagster.cli.audit import audit_everything

        raise typer.Exit(0 if audit_everything(as_json=json) else 1)


@app.command()
def report(
    file: Annotated[
        str | None,
        typer.Argument(help="Where to write the page; `-` for standard output.", show_default="stedi-report.html"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of the period, as 2026-01-31.", show_default="30 days ago"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON; writes no page.")] = False,
) -> None:
    """Make a report to hand over: one HTML page of counts that names nobody, to be read, sent or printed.

    It runs every standing audit. Exits with 0 once it is made, whatever they find, unlike `stedi audit`.
    """
    with user_errors():
        from stedi_dagster.cli.report import make_report

        make_report(file, since=since, as_json=json)


@app.command()
def tables(json: Json = False) -> None:
    """List the published tables: rows, snapshot, when, where."""
    with user_errors():
        from stedi_dagster.cli.tables import list_tables

        list_tables(as_json=json)


@app.command()
def quarantine(
    json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to show; --json gives all.")] = 50,
) -> None:
    """Show what could not be read as a record: file, line, byte position, reason, raw text (personal data!)."""
    with user_errors():
        from stedi_dagster.cli.tables import list_quarantine

        list_quarantine(as_json=json, limit=limit)


@app.command()
def forget(
    email: Annotated[
        str | None, typer.Argument(help="Whom to erase; without it the address is asked for, or read from a pipe.")
    ] = None,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only look where the person stands; exits with 1 if so.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    digest: Annotated[bool, typer.Option("--digest", help="Only print what the Dagster job `forget` needs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase a person from the raw files, every table, its history and storage; print what went.

    Nobody can bring it back. An old file that delivers the person again does not: only a new registration does.
    """
    with user_errors():
        from stedi_dagster.cli.forget import asked_for, forget_person, print_digest, prove

        if verify + dry_run + digest > 1:
            raise StediError("--verify, --dry-run and --digest exclude each other: give one of them.")
        address = asked_for(email)
        if digest:
            print_digest(address)
        elif verify:
            raise typer.Exit(0 if prove(address, as_json=json) else 1)
        else:
            forget_person(address, dry_run=dry_run, yes=yes, as_json=json)


@app.command()
def adopt(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be taken over.")] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go on although the ledger of erasures or the participants cannot be found whole: people who were "
            "erased may come back.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Take the tables that the warehouse holds over into this catalog, whose own is lost or older than they are.

    Each is registered with its newest metadata that can be read; the ledger of erasures is one of them. No file is
    removed. Whichever catalog had them before is refused as soon as this one has published something.
    """
    with user_errors():
        from stedi_dagster.cli.adopt import adopt_tables

        adopt_tables(dry_run=dry_run, accept_loss=accept_loss, as_json=json)


@app.command(cls=TextCommand)
def sql(
    query: Annotated[str, typer.Argument(metavar='"SELECT …"|FILE', help="A query, or a file that holds one.")],
    json: Json = False,
    on: Annotated[Literal["local", "athena"], typer.Option(help="Where to run it.")] = "local",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A value for a :name in the query; may be repeated."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="Every table as it was then: a date, or a moment in ISO 8601 (UTC)."),
    ] = None,
) -> None:
    """Query the published tables and releases by their names, and what operators alone may read.

    That is `quarantine`, `landed_files`, `participants`, `erasures` and `release_exports`.

    A typed query is in the dialect of where it runs: DuckDB's, or Athena's. A file is always in Athena's, and is
    translated. What the settings know (consent, match, max_age, ...) needs no --param.
    """
    with user_errors():
        from stedi_dagster.cli.sql import run_query

        run_query(query, on=on, parameters=param or [], at=at, as_json=json)


@app.command()
def alerts(
    action: Annotated[
        Literal["list", "test"],
        typer.Argument(help="`test` sends each destination a message; exits with 1 if one fails."),
    ] = "list",
    json: Json = False,
) -> None:
    """Show what fails since when, and the alerts that wait to be sent; or try the destinations."""
    with user_errors():
        from stedi_dagster.cli.alerts import list_alerts, try_destinations

        if action == "test":
            raise typer.Exit(0 if try_destinations(as_json=json) else 1)
        list_alerts(as_json=json)


@app.command()
def settings(
    json: Json = False,
    from_stack: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print what the CloudFormation stack says, for `eval`.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The stack's region; by default your AWS configuration's.")] = None,
) -> None:
    """Show every setting: its variable, its value now, what it means; or those of a stack on AWS."""
    with user_errors():
        from stedi_dagster.cli.settings import list_settings, list_stack_settings

        if from_stack is not None:
            list_stack_settings(from_stack, region, as_json=json)
        elif region is not None:
            raise StediError("--region is that of a stack: give --from-stack NAME with it.")
        else:
            list_settings(as_json=json)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on 127.0.0.1.")] = 3000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show everything, but let nobody start or change anything.")
    ] = False,
) -> None:
    """Start the Dagster UI on 127.0.0.1, with the runs of `stedi run` in it.

    With --read-only no schedule or sensor runs either: it can stand beside another UI on the same STEDI_HOME.
    """
    with user_errors():
        from stedi_dagster.cli.ui import serve

        serve(port, read_only=read_only)
