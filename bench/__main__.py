"""The bench's command line: chooses data and contenders, runs them in turn, prints and writes the results.

How contenders run is in `contenders`, how their cost is measured in `measure`, how it is presented in `report`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench import report
from bench.contenders import AFTER_STEDI, CONTENDERS, STEDI, Contender, Run, java, run
from bench.data import ROOT, base_landing, copied, megabytes
from bench.measure import BenchError, adopt_orphans


def main(
    times: Annotated[str, typer.Option(help="Data sets, as multiples of the landing data.")] = "1,50",
    runs: Annotated[int, typer.Option(min=1, help="Counted runs of each, after a warm-up.")] = 3,
    only: Annotated[
        str | None,
        typer.Option(help="Contenders: stedi, stedi-spark, stedi-cluster, spark, five, sail, duckdb; by default all."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A landing folder to measure on.")
    ] = None,
    *,
    write: Annotated[bool, typer.Option("--write", help="Also write bench/results.md and bench/results.svg.")] = False,
) -> None:
    """Measure the platform, plain Spark, five Spark processes, Sail and DuckDB, as whole processes."""
    load_before = os.getloadavg()[0]
    chosen = _chosen(only)
    sizes = _sizes(times)
    adopt_orphans()
    try:
        base, name = base_landing(data)
        results = []
        for size in sizes:
            landing = copied(base, size)
            results.append(_measure(size, name, landing, base, chosen, runs))
            report.show(results[-1])
    except BenchError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    notes = report.captions(results, runs, load_before)
    typer.echo("\n" + "\n".join(notes))
    if write:
        from bench.plot import draw

        report.write_markdown(ROOT / "bench" / "results.md", results, notes)
        draw(ROOT / "bench" / "results.svg", report.points(results))


def _sizes(times: str) -> list[int]:
    parts = times.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise typer.BadParameter(f"{times!r}: expected whole numbers above zero, such as 1,50", param_hint="--times")
    return [int(part) for part in parts]


def _chosen(only: str | None) -> list[Contender]:
    """Return the requested contenders, without those that need Java if this machine has none."""
    names = [each.name for each in CONTENDERS if each.name not in AFTER_STEDI]
    wanted = {part.strip() for part in only.split(",")} if only else set(names)
    if unknown := wanted.difference(names):
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: expected some of {', '.join(names)}", param_hint="--only"
        )
    if STEDI in wanted:
        wanted.update(AFTER_STEDI)
    chosen = [each for each in CONTENDERS if each.name in wanted]
    if java() is not None:
        return chosen
    for each in chosen:
        if each.needs_java:
            typer.echo(f"Left out: {each.label}. Apache Spark needs Java 17 or 21, which is missing.")
    return [each for each in chosen if not each.needs_java]


def _measure(
    size: int, name: str, landing: Path, base: Path, contenders: Sequence[Contender], runs: int
) -> report.DataSet:
    """Run every contender once to warm up, then all of them in turn, `runs` times."""
    size_mb = megabytes(landing)
    title = f"{name if size == 1 else f'{name}, {size} times'} ({size_mb:,.0f} MB)"
    results: dict[str, list[Run]] = {each.name: [] for each in contenders}
    rows: dict[str, int] = {}
    for number in range(runs + 1):
        for each in contenders:
            typer.echo(f"{title}: {f'run {number} of {runs}' if number else 'warm-up'}, {each.label} ...", err=True)
            result = run(each, landing, base)
            _check_rows(rows, result.rows, each.label)
            if number:
                results[each.name].append(result)
    return report.DataSet(size, title, size_mb, results, rows)


def _check_rows(agreed: dict[str, int], rows: Mapping[str, int], label: str) -> None:
    """Compare a run's row counts with those of earlier runs, and add new ones.

    Raises:
        BenchError: The counts differ, so the runs would not be doing the same work.
    """
    for table, count in rows.items():
        if agreed.setdefault(table, count) != count:
            raise BenchError(f"{label} made {count:,} rows of {table}, the runs before it {agreed[table]:,}.")


if __name__ == "__main__":
    typer.run(main)
