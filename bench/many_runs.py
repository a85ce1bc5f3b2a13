"""Runs the platform again and again, each time with one file of readings more: `python -m bench.many_runs`.

Prints what a run then takes, and what the runs have left: files, snapshots, metadata.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.contenders import STEDI_COMMAND
from bench.data import WORK
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.sample import generate

_FOLDER = WORK / "many-runs"
_FEED, _MOMENT = "accelerometer", "timestamp"
_FIRST_RUNS = (1, 2, 5, 10, 25)


def main(
    runs: Annotated[int, typer.Option(help="How many runs, each with one more file.")] = 200,
    every: Annotated[int, typer.Option(help="Print every so many of them.")] = 25,
) -> None:
    """Run that many times."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    landing, home = _FOLDER / "landing", _FOLDER / "home"
    generate(landing, scale=0.1)
    [first, *_] = sorted((landing / _FEED).rglob("*.json"))
    records = [json.loads(line) for line in first.read_text().splitlines()[:100]]
    env = {key: value for key, value in os.environ.items() if not key.startswith("STEDI_")}
    env |= {"STEDI_HOME": str(home), "STEDI_LANDING": str(landing)}
    typer.echo("| run | seconds | data files, most of a table | snapshots, most of a table | metadata, MB |")
    typer.echo("|---:|---:|---:|---:|---:|")
    for number in range(1, runs + 1):
        _land(first.parent, records, number)
        start = time.monotonic()
        subprocess.run([STEDI_COMMAND, "run", "--json"], env=env, stdout=subprocess.DEVNULL, check=True)
        seconds = time.monotonic() - start
        if number in _FIRST_RUNS or number % every == 0:
            typer.echo(f"| {number} | {seconds:.1f} | {_left(home)} |")


def _land(folder: Path, records: list[dict[str, object]], number: int) -> None:
    """The same people's readings, some minutes later each time."""
    later = [record | {_MOMENT: int(str(record[_MOMENT])) + number * 1_000_003} for record in records]
    (folder / f"more-{number:05d}.json").write_text("".join(f"{json.dumps(record)}\n" for record in later))


def _left(home: Path) -> str:
    tables = Lakehouse(home, str(home / "warehouse")).tables()
    files = max(len(list(table.scan().plan_files())) for table in tables)
    snapshots = max(len(table.metadata.snapshots) for table in tables)
    metadata = sum(path.stat().st_size for path in (home / "warehouse").rglob("metadata/*"))
    return f"{files} | {snapshots} | {metadata / 1e6:.1f}"


if __name__ == "__main__":
    typer.run(main)
