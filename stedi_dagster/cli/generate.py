"""`stedi generate`."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from stedi_dagster.errors import StediError
from stedi_dagster.sample import generate, plan
from stedi_dagster.wording import counted


def generate_sample(landing: Path, *, scale: float, seed: int, quirks: bool) -> None:
    """Fill a landing zone, showing progress, and say what is in it.

    Raises:
        SettingsError: the options are senseless, or the landing zone holds a feed already.
        StediError: it cannot be written.
    """
    console = Console(stderr=True)
    total = sum(plan(scale).records.values())
    columns = (TextColumn("Generating"), BarColumn(), MofNCompleteColumn(), TextColumn("records"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("records", total=total)
        try:
            made = generate(
                landing,
                scale=scale,
                seed=seed,
                quirks=quirks,
                progress=lambda records: progress.update(task, advance=records),
            )
        except OSError as error:
            raise StediError(
                f"The landing folder {landing} cannot be filled ({error.strerror}): name another one, or mend that."
            ) from None
    for feed, totals in made.feeds.items():
        bad = f", {totals.bad:,} unreadable" if totals.bad else ""
        made_of = f"{counted(totals.files, 'files')}, {counted(totals.records, 'records')}{bad}"
        console.print(f"{landing / feed / 'landing'}: {made_of}", markup=False, soft_wrap=True)
