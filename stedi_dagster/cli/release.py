"""`stedi release`: creates, lists, shows, exports and verifies releases. The work is in `releases`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stedi_dagster.cli.grid import Printing, show
from stedi_dagster.cli.tables import open_lakehouse
from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.errors import ReleaseError, StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.releases.exports import Exports
from stedi_dagster.releases.facts import Release
from stedi_dagster.releases.read import release_of, releases_of
from stedi_dagster.settings import Settings
from stedi_dagster.split import PARTS
from stedi_dagster.storage import storage_errors
from stedi_dagster.wording import counted, utc

# Enough of a random number to tell exports apart.
_DIGITS = 8


def create_release(name: str, *, note: str | None, as_json: bool) -> bool:
    """Create a release and print what it is; return whether it may be.

    Raises:
        StediError: nothing is published, a run takes too long, or the tables cannot be read or written.
    """
    from stedi_dagster.releases.create import create

    settings = Settings.load()
    with _writing(settings, "creating a release") as lakehouse:
        try:
            release = create(settings, lakehouse, name, note=note, tell=_print_note)
        except ReleaseError as error:
            _print_note(f"stedi: {error}")
            return False
    if settings.dagster_home.exists():
        from stedi_dagster.defs.assets.release import record_release

        record_release(settings, release)
    if as_json:
        sys.stdout.write(json.dumps(_facts(release), indent=2) + "\n")
    else:
        _print_release(release)
    return True


def list_releases(*, as_json: bool) -> None:
    """Print the releases, and the exports that are still out there."""
    lakehouse = open_lakehouse()
    with storage_errors("reading the releases", outcome=""):
        releases = releases_of(lakehouse)
        exports = Exports(lakehouse).all()
    now = {release.name: release.current.number for release in releases}
    rows: list[dict[str, Any]] = [
        {
            "release": release.name,
            "revision": release.current.number,
            "created": utc(release.revisions[0].made_ms),
            "rows": release.current.rows,
            "participants": release.current.participants,
            **{part: release.current.parts[part].rows for part in PARTS},
            "rows_gone": release.rows_gone,
        }
        for release in releases
    ]
    copies: list[dict[str, Any]] = [
        {
            "export": export.number if as_json else export.number[:_DIGITS],
            "release": export.release,
            "revision": export.revision,
            "for": export.recipient,
            "exported": utc(export.begun_ms),
            "finished": export.digest is not None,
            "destroyed": utc(export.destroyed_ms) if export.destroyed_ms else None,
            "must_be_replaced": export.must_be_replaced(now.get(export.release, 0)),
        }
        for export in exports
    ]
    if as_json:
        sys.stdout.write(json.dumps({"releases": rows, "exports": copies}, indent=2) + "\n")
        return
    if not rows:
        Printing().print("There is no release yet: `stedi release create NAME` makes one.")
    show(rows, as_json=False)
    if copies:
        sys.stdout.write("\n")
        show(copies, as_json=False)


def show_release(name: str, *, page: str | None, as_json: bool) -> None:
    """Print a release's card, or write it as a page.

    Raises:
        StediError: there is no such release, or the page cannot be written.
    """
    from stedi_dagster.releases import card

    if page is not None and as_json:
        raise StediError("--json prints the facts and writes no page: leave out --html.")
    with storage_errors("reading the release", outcome=""):
        release = release_of(open_lakehouse(), name)
    columns = MachineLearningCurated.columns()
    if as_json:
        sys.stdout.write(json.dumps(_facts(release), indent=2) + "\n")
    elif page is None:
        sys.stdout.write(card.as_markdown(release, columns))
    else:
        try:
            Path(page).write_text(card.as_html(release, columns), encoding="utf-8")
        except OSError as error:
            raise StediError(f"The card cannot be written to {page} ({error.strerror}): name another file.") from None
        Printing(soft_wrap=True).print(
            f"The card of {release.current.name} is in {Path(page).absolute()}", markup=False
        )


def export_release(name: str, folder: str, *, recipient: str, as_json: bool) -> None:
    """Copy a release to a folder, and print what is in it.

    Raises:
        StediError: it must not be exported, or the folder cannot be written.
    """
    from stedi_dagster.releases.export import MANIFEST, export

    settings = Settings.load()
    with _writing(settings, "exporting a release") as lakehouse:
        done = export(settings, lakehouse, name, folder, recipient=recipient, tell=_print_note)
    if as_json:
        sys.stdout.write(json.dumps(asdict(done), indent=2) + "\n")
        return
    copy = done.export
    print_ = Printing(soft_wrap=True).print
    print_(
        f"{copy.release}, revision {copy.revision}: {counted(copy.rows, 'rows')} of "
        f"{counted(copy.participants, 'participants')} are in {done.folder}, for {copy.recipient}.",
        markup=False,
    )
    print_(
        f"The ledger has it as {copy.number}. Give {MANIFEST} with it: `stedi release verify` tells by it whether the "
        "copy must be replaced.",
        markup=False,
    )


def verify_copy(folder: str, *, as_json: bool) -> bool:
    """Print what a copy is; return whether it is intact and may be used.

    Raises:
        StediError: the folder holds no copy, or cannot be read.
    """
    from stedi_dagster.releases.verify import verify

    settings = Settings.load()
    known = settings.catalog != "sqlite" or (settings.home / "catalog.db").exists()
    with storage_errors(f"verifying {folder}", outcome=""):
        found = verify(folder, open_lakehouse() if known else None)
    good = found.intact and not found.must_be_replaced and not found.destroyed
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict(), indent=2) + "\n")
        return good
    lines = [f"{found.release}, revision {found.revision}, export {found.export}."]
    lines += [f"{file} {what}." for file, what in found.damaged.items()]
    if found.recorded is None:
        lines.append(
            f"{'Every file is intact' if good else 'It is not intact'}. Whether it must be replaced, only the "
            "lakehouse knows that it was exported from: ask whoever gave it to you, or set STEDI_HOME or STEDI_CATALOG."
        )
    elif found.recorded is False:
        lines.append("The ledger of exports has no such copy: its manifest was altered, or it was made by other means.")
    elif not found.damaged:
        lines.append("Every file is intact.")
    if found.must_be_replaced:
        lines.append(
            f"It must be replaced: rows have had to go from the release since, which is at revision {found.current}. "
            "Export it again, and tell whoever has this copy to destroy it."
        )
    if found.destroyed:
        lines.append("The ledger has it that no copy of this export is left: destroy this one, too.")
    elif found.must_be_replaced:
        lines.append(f"Once it is gone, record that: `stedi release destroyed {found.export[:_DIGITS]}`.")
    elif found.current is not None and good:
        lines.append("Nothing has had to go from the release since, as of the last run.")
    sys.stdout.write("\n".join(lines) + "\n")
    return good


def record_destroyed(number: str) -> None:
    """Record that no copy of an export is left.

    Raises:
        ReleaseError: there is no such export.
    """
    settings = Settings.load()
    with _writing(settings, "recording it") as lakehouse:
        export = Exports(lakehouse).destroyed(number)
    sys.stdout.write(f"No copy of export {export.number} is left, for {export.recipient}: recorded.\n")


@contextmanager
def _writing(settings: Settings, doing: str) -> Iterator[Lakehouse]:
    lakehouse = open_lakehouse()
    with (
        storage_errors(doing),
        lakehouse.writing("stedi release", timeout=settings.lock_timeout, waiting=_waiting),
    ):
        yield lakehouse


def _facts(release: Release) -> dict[str, Any]:
    return {
        "release": release.name,
        "revision": release.current.number,
        "rows": release.current.rows,
        "participants": release.current.participants,
        "origin": asdict(release.origin),
        "revisions": [asdict(revision) for revision in release.revisions],
    }


def _print_release(release: Release) -> None:
    now = release.current
    show(
        [{"part": part, "rows": now.parts[part].rows, "participants": now.parts[part].participants} for part in PARTS],
        as_json=False,
    )
    sys.stdout.write(
        f"{release.name} is created: {counted(now.rows, 'rows')} of {counted(now.participants, 'participants')}. "
        f"`stedi release show {release.name}` prints its card, `stedi release export {release.name} FOLDER --for WHO` "
        "copies it.\n"
    )


def _waiting(holder: str) -> None:
    _print_note(f"Waiting for the lakehouse, held by {holder}.")


def _print_note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
