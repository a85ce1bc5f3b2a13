"""`stedi generate`: shows the progress and the result of `sample`."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from stedi_dagster.errors import StediError
from stedi_dagster.sample import generate, plan
from stedi_dagster.wording import counted


def generate_sample(landing: Path, *, scale: float, seed: int, quirks: bool) -> None:
    """Fill a landing zone, show progress, and print what is in it.

    Raises:
        SettingsError: the options make no sense, or the landing zone holds a feed already.
        StediError: it cannot be written.
    """
    console = Console(stderr=True)
    total = sum(plan(scale).records.values())
    columns = (TextColumn("Generating"), BarColumn(), MofNCompleteColumn(), TextColumn("records"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("records", total=total)
        try:
            generated = generate(
                landing,
                scale=scale,
                seed=seed,
                quirks=quirks,
                progress=lambda records: progress.update(task, advance=records),
            )
        except OSError as error:
            raise StediError(
                f"The landing folder {landing} cannot be filled ({error.strerror}): fix that, or name another one."
            ) from None
    for feed, totals in generated.feeds.items():
        bad = f", {totals.bad:,} unreadable" if totals.bad else ""
        content = f"{counted(totals.files, 'files')}, {counted(totals.records, 'records')}{bad}"
        console.print(f"{landing / feed / 'landing'}: {content}", markup=False, soft_wrap=True)
