"""`stedi report`: writes the report as a page to hand over, or prints the same facts as JSON."""

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

from stedi_dagster.cli.grid import Printing
from stedi_dagster.cli.tables import consistent_read, open_lakehouse
from stedi_dagster.errors import StediError
from stedi_dagster.report.facts import Facts
from stedi_dagster.report.gather import beginning, gather
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_for

DEFAULT_FILE = "stedi-report.html"
_STANDARD_OUTPUT = "-"
# How a page names its lakehouse, within this many characters.
_LAKEHOUSE = re.compile(r'<meta name="stedi-lakehouse" content="([0-9a-f-]+)">')
_HEAD = 2_000


def make_report(file: str | None, *, since: str | None, as_json: bool) -> None:
    """Write the page and print where it is, or print the facts.

    Args:
        file: where to write; `-` for standard output.
        since: the first day of the period.
        as_json: print the facts and write no page.

    Raises:
        StediError: an argument is wrong, nothing is published, a run takes too long, the tables cannot be read, or the
            file cannot be written.
    """
    if as_json and file is not None:
        raise StediError("--json prints the facts and writes no page: leave out the file.")
    settings = Settings.load()
    since_ms = beginning(since)
    lakehouse = open_lakehouse()
    reading = consistent_read(settings, lakehouse, "stedi report")
    facts = gather(settings, lakehouse, consistent_read=reading, since_ms=since_ms)
    if as_json:
        content = {"state": facts.state, "verdict": facts.verdict, **asdict(facts)}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        _write(facts, file or DEFAULT_FILE)


def _refuse_other_lakehouse(file: Path, lakehouse: str) -> None:
    """Refuse to overwrite the report of another lakehouse: a trial must not replace the real one.

    Raises:
        StediError: the file is such a report.
    """
    try:
        with file.open(encoding="utf-8", errors="replace") as existing:
            found = _LAKEHOUSE.search(existing.read(_HEAD))
    except OSError:
        return  # there is no file, or writing it will report the problem
    if found and found[1] != lakehouse:
        raise StediError(
            f"{file} is the report of another lakehouse, {found[1]}, and this one is {lakehouse}: name another file, "
            "as in `stedi report FILE`, or move that one away."
        )


def _write(facts: Facts, file: str) -> None:
    from stedi_dagster.report.page import render

    page = render(facts)
    if file == _STANDARD_OUTPUT:
        sys.stdout.write(page)
        return
    target = Path(file).absolute()
    if target.is_file():
        _refuse_other_lakehouse(Path(file), facts.lakehouse)
    try:
        if target.is_file() or (target.parent.is_dir() and not target.exists()):
            storage_for(str(target.parent)).write(str(target.resolve()), page.encode())
        else:
            # Do not replace a pipe or a terminal, nor create a folder whose name may be misspelt.
            target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StediError(f"The report cannot be written to {file} ({error.strerror}): name another file.") from None
    Printing(soft_wrap=True).print(f"{facts.verdict} The report is in {target}", markup=False)
