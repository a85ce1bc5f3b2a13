"""`stedi forget`: erases a person, shows what that would remove, and proves that nothing is left.

The erasure itself is in `erasure`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import typer
from rich.table import Table as Grid

from stedi_dagster.cli.grid import Printing
from stedi_dagster.cli.tables import consistent_read, open_lakehouse
from stedi_dagster.erasure.digests import Digester, load_digester, passing_digester
from stedi_dagster.erasure.erase import UNFINISHED, Eraser, Receipt
from stedi_dagster.erasure.ledger import Ledger, LedgerEntry, recognising
from stedi_dagster.errors import SettingsError, StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors
from stedi_dagster.wording import counted, utc


def asked_for(email: str | None) -> str:
    """The address: the argument, or typed or piped input, which keeps it out of the shell's history.

    Raises:
        StediError: it is not an address.
    """
    if email is None:
        email = typer.prompt("Address", err=True) if sys.stdin.isatty() else sys.stdin.read()
    if "@" not in email:
        raise StediError("An address is needed, but the input is not one: it has no @.")
    if len(email.strip().splitlines()) > 1:
        raise StediError("One address is needed, but the input has several lines: give one address at a time.")
    return email.strip()


def forget_person(email: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase a person, and print the receipt."""
    settings = Settings.load()
    if not dry_run and not yes:
        _ask(email, settings)
    with _opened(settings, "forgetting somebody", changes=not dry_run) as (lakehouse, ledger_digester):
        eraser = Eraser(lakehouse, settings.landing, ledger_digester, _print_note)
        if dry_run:
            receipt = eraser.plan(ledger_digester.of(email))
        else:
            receipt = eraser.erase(ledger_digester.of(email))
            eraser.resume()
    _print(receipt, as_json=as_json, would=dry_run)
    if not dry_run and settings.dagster_home.exists():
        # Loading Dagster takes a second, and without a home nothing has ever been audited.
        from stedi_dagster.defs.recovery import judge_again

        reading = consistent_read(settings, lakehouse, "stedi forget")
        for problem in judge_again(settings, lakehouse, consistent_read=reading):
            _print_note(f"stedi: {problem}")


def prove(email: str, *, as_json: bool) -> bool:
    """Print where a person can still be found; return whether it is nowhere, as far as can be seen."""
    from stedi_dagster.erasure.verify import verify

    settings = Settings.load()
    with _opened(settings, "looking for somebody", changes=False) as (lakehouse, ledger_digester):
        proof = verify(email, lakehouse, settings.landing, ledger_digester)
    if as_json:
        sys.stdout.write(json.dumps(asdict(proof), indent=2) + "\n")
        return proof.proven
    looked_for = ", ".join(f"{times} {what}" for what, times in sorted(proof.looked_for.items()))
    by_file: dict[str, list[str]] = {}
    for place in proof.places:
        by_file.setdefault(place.file, []).append(f"{place.times:,} {place.what}")
    for file, what in sorted(by_file.items()):
        sys.stdout.write(f"{file}: {', '.join(what)}\n")
    found = f"found in {len(by_file):,}" if by_file else "found in none"
    sys.stdout.write(f"{proof.files:,} files read, looking for {looked_for}: {found}.\n")
    if proof.hidden:
        sys.stdout.write(
            f"Not looked into, because of their format or damage: {', '.join(sorted(proof.hidden))}. The person may "
            "be in there: look into them by hand, or remove them.\n"
        )
    sys.stdout.write(_known(proof.erasures) + "\n")
    return proof.proven


def print_digest(email: str) -> None:
    """Print the digest by which the Dagster job `forget` identifies a person."""
    settings = Settings.load()
    sys.stdout.write(f"{_digester(settings, Lakehouse.of(settings)).of(email)}\n")


@contextmanager
def _opened(settings: Settings, doing: str, *, changes: bool) -> Iterator[tuple[Lakehouse, Digester]]:
    """The lakehouse, locked for writing, and the digester that its ledger was or will be written with."""
    lakehouse = open_lakehouse()
    with (
        storage_errors(doing, outcome=UNFINISHED if changes else ""),
        lakehouse.writing("stedi forget", timeout=settings.lock_timeout, waiting=_waiting),
    ):
        yield lakehouse, _digester(settings, lakehouse) if changes else _existing(lakehouse) or passing_digester()


def _digester(settings: Settings, lakehouse: Lakehouse) -> Digester:
    existing = _existing(lakehouse)
    if existing is not None:
        return existing
    if settings.catalog == "glue" and settings.erasure_key is None:
        raise SettingsError(
            "STEDI_ERASURE_KEY is not set, and other machines that share this catalog need the same key: set it to "
            "at least 32 random characters, here and wherever `stedi run` runs."
        )
    new = load_digester(settings.home, make=True)
    assert new is not None  # noqa: S101 - it makes one
    return new


def _existing(lakehouse: Lakehouse) -> Digester | None:
    """The digester of the ledger, or of the key created for it."""
    return recognising(lakehouse, Ledger(lakehouse).erasures()) or load_digester(lakehouse.home, make=False)


def _waiting(holder: str) -> None:
    _print_note(f"Waiting for the lakehouse, held by {holder}.")


def _print_note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _ask(email: str, settings: Settings) -> None:
    """Show what there is and ask for confirmation; the lakehouse is not locked meanwhile.

    Raises:
        StediError: nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise StediError(
            "An erasure cannot be undone, and nobody can be asked here: give --yes, or --dry-run to see what would go."
        )
    with _opened(settings, "looking for somebody", changes=False) as (lakehouse, ledger_digester):
        found = Eraser(lakehouse, settings.landing, ledger_digester, _print_note).plan(ledger_digester.of(email))
    rows = sum(table.rows for table in found.tables)
    if found.nothing:
        _print_note(f"Nothing about this person was found. {_known(found.erasures)} Go on only to keep them out.")
    else:
        _print_note(f"Found: {counted(rows, 'rows')} in tables, {counted(found.raw.records, 'records')} in raw files.")
    question = "This cannot be undone, and it ends the history of every table: no earlier snapshot stays. Go on?"
    typer.confirm(question, abort=True, err=True)


def _print(receipt: Receipt, *, as_json: bool, would: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(receipt.as_dict(), indent=2) + "\n")
        return
    grid = Grid(box=None, header_style="bold")
    grid.add_column("would be removed from" if would else "removed from")
    for heading in ("rows", "snapshots", "files"):
        grid.add_column(heading, justify="right")
    for table in receipt.tables:
        grid.add_row(table.table, f"{table.rows:,}", f"{table.snapshots:,}", f"{table.files:,}")
    Printing().print(grid)
    raw = receipt.raw
    lines = [f"And {raw.records:,} records in {raw.files:,} raw files, {raw.versions:,} old versions of raw files."]
    if raw.hidden:
        lines.append(
            f"{raw.hidden:,} raw files could not be looked into, because of their format or damage, and are as they "
            "were: `stedi forget --verify` names them."
        )
    if would and receipt.nothing:
        lines[:1] = ["Nothing about this person was found.", _known(receipt.erasures)]
    elif receipt.resumed:
        lines.append("It had been interrupted: what was removed before is not counted.")
    elif receipt.nothing:
        lines[:1] = ["Nothing about this person was found; records of them in old files will not land."]
    if any(table.snapshots for table in receipt.tables):
        lines.append("Snapshots are everybody's: readers cannot travel back to before this.")
    if would:
        lines.append("Nothing is removed yet.")
    else:
        [erasure] = receipt.erasures
        lines.append(f"Erasure {erasure.number} in the lakehouse {receipt.lakehouse}: {_when(erasure)}.")
    sys.stdout.write("\n".join(lines) + "\n")


def _known(erasures: tuple[LedgerEntry, ...]) -> str:
    """What the ledger says about a person."""
    if not erasures:
        return "The ledger has no erasure of this address: if there was one, check how the address was spelt."
    entries = (f"{erasure.number} ({_when(erasure)})" for erasure in erasures)
    return f"The ledger has {counted(len(erasures), 'erasures')} of this address: {'; '.join(entries)}."


def _when(erasure: LedgerEntry) -> str:
    done = "not done yet" if erasure.completed_ms is None else f"done {utc(erasure.completed_ms)}"
    return f"begun {utc(erasure.begun_ms)}, {done}"
