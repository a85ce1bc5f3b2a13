"""The bench's report: a table for each data set, whether the targets were met, and on what machine.

Only sums up, compares and renders measured runs.
"""

import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.contenders import CONTENDERS, DUCKDB, FIVE, PLAIN, STEDI, STEDI_AUDIT, STEDI_SPARK, TABLES, Run, java

SMALL, LARGE = 1, 50  # the data sets that targets refer to, as multiples of the landing data

_JOBS_HEADER = ("table", "jobs", "tasks", "MB read")
_HEADER = ("", "wall s", "CPU s", "peak MB", "work s")
_PACKAGES = ("stedi-dagster", "dagster", "pyspark", "pysail", "duckdb", "pyarrow", "pyiceberg")


@dataclass(frozen=True)
class DataSet:
    """One data set's runs.

    Attributes:
        times: Its size as a multiple of the landing data.
        title: Its description.
        megabytes: Its size.
        runs: The counted runs of each contender by name.
        rows: The rows of each table, on which all contenders agree.
    """

    times: int
    title: str
    megabytes: float
    runs: Mapping[str, Sequence[Run]]
    rows: Mapping[str, int]


@dataclass(frozen=True)
class _Medians:
    wall: float
    peak_mb: float
    work: float


def table_rows(data: DataSet) -> list[tuple[str, ...]]:
    """One line for each contender: medians, and the smallest and largest in brackets."""
    return [
        (
            contender.label,
            _spread([run.usage.wall for run in runs], 2),
            _spread([run.usage.cpu for run in runs], 2),
            _spread([run.usage.peak_mb for run in runs], 0),
            _spread([run.work for run in runs if run.work is not None], 2),
        )
        for contender in CONTENDERS
        if (runs := data.runs.get(contender.name))
    ]


def target_rows(data: DataSet) -> list[tuple[str, str, str]]:
    """Each target of this data set, the measured value, and whether it meets the target."""
    medians = {name: _medians(runs) for name, runs in data.runs.items()}
    return [
        _target_row(text, needed, measure, medians) for times, text, needed, measure in _TARGETS if times == data.times
    ]


def job_rows(data: DataSet) -> list[tuple[str, ...]]:
    """What the platform had Apache Spark do for each table, in its last run on this machine."""
    runs = data.runs.get(STEDI_SPARK)
    return [
        (table, str(work.jobs), str(work.tasks), f"{work.bytes_read / 1e6:,.1f}")
        for table, work in (runs[-1].jobs if runs else {}).items()
    ]


def captions(data: Sequence[DataSet], runs: int, load_before: float) -> list[str]:
    """Describe how and on what machine this was measured."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}; {cores} cores, {memory:.0f} GB, load {load_before:.1f} before the "
        f"start; Linux {platform.release()}, Python {platform.python_version()}, {_java_version()}; "
        f"{versions}."
    )
    how = (
        f"Median (smallest-largest) of {runs} alternating run{'s' * (runs != 1)} after a warm-up. Wall, CPU "
        "and peak memory: whole processes with all their children. Work: seconds without start-up, the sum "
        "of the tables' seconds for `stedi run`, of the queries for DuckDB."
    )
    return [machine, how, *map(_row_counts, data)]


def show(data: DataSet) -> None:
    """Print one data set's table and targets."""
    console = Console(width=None if Console().is_terminal else 120)
    table = Table(*_HEADER, title=data.title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in table_rows(data):
        table.add_row(*row)
    console.print(table)
    if jobs := job_rows(data):
        on_spark = Table(*_JOBS_HEADER, title="stedi run on Apache Spark", title_justify="left")
        for row in jobs:
            on_spark.add_row(*row)
        console.print(on_spark)
    for target, found, verdict in target_rows(data):
        console.print(f"  {verdict:<12} {target}: {found}", markup=False, highlight=False, soft_wrap=True)


def write_markdown(path: Path, data: Sequence[DataSet], notes: Sequence[str]) -> None:
    """Write everything as a markdown page."""
    parts = ["# Measured", "Written by `python -m bench --write`; see [README.md](README.md) for how."]
    for each in data:
        parts += [f"## {each.title}", _markdown(_HEADER, table_rows(each))]
        if targets := target_rows(each):
            parts.append(_markdown(("target", "measured", ""), targets))
        if jobs := job_rows(each):
            parts += ["What `stedi run` has Apache Spark do for each table:", _markdown(_JOBS_HEADER, jobs)]
    parts += ["## How", *notes]
    path.write_text("\n\n".join(parts) + "\n")


def points(data: Sequence[DataSet]) -> dict[str, list[tuple[float, float, float]]]:
    """By contender, of each data set: its size in MB, the median seconds, and the peak memory in MB."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for each in data:
        for name, runs in each.runs.items():
            medians = _medians(runs)
            found.setdefault(name, []).append((each.megabytes, medians.wall, medians.peak_mb))
    return found


def _under(limit: float, value: float, unit: str) -> tuple[str, bool]:
    return f"{value:,.{2 * (unit == 's')}f} {unit}", value < limit


def _less(ours: float, limit: float) -> tuple[str, bool]:
    return f"{ours:.2f} s, {limit:.2f} s", ours < limit


def _ratio(slow: float, fast: float, limit: float) -> tuple[str, bool]:
    return f"{slow:.2f} s / {fast:.2f} s = {slow / fast:.1f} times", slow / fast >= limit


def _beside_duckdb(medians: Mapping[str, _Medians]) -> tuple[str, bool]:
    ours, theirs = medians[STEDI], medians[DUCKDB]
    ratio = ours.work / theirs.work
    text = (
        f"{ours.work:.2f} s / {theirs.work:.2f} s = {ratio:.1f} times "
        f"(whole processes: {ours.wall:.2f} s / {theirs.wall:.2f} s = {ours.wall / theirs.wall:.1f} times)"
    )
    return text, ratio <= 2  # noqa: PLR2004


_Measure = Callable[[Mapping[str, _Medians]], tuple[str, bool]]
_TARGETS: tuple[tuple[int, str, tuple[str, ...], _Measure], ...] = (
    (SMALL, "stedi run, wall, under 6 s", (STEDI,), lambda m: _under(6, m[STEDI].wall, "s")),
    (SMALL, "stedi run, peak memory, under 600 MB", (STEDI,), lambda m: _under(600, m[STEDI].peak_mb, "MB")),
    (
        SMALL,
        "five Spark processes take at least 8 times as long",
        (STEDI, FIVE),
        lambda m: _ratio(m[FIVE].wall, m[STEDI].wall, 8),
    ),
    (
        SMALL,
        "the plain Spark script takes at least 2.5 times as long",
        (STEDI, PLAIN),
        lambda m: _ratio(m[PLAIN].wall, m[STEDI].wall, 2.5),
    ),
    (
        LARGE,
        "the assets take at most 2 times DuckDB's in-process query time",
        (STEDI, DUCKDB),
        _beside_duckdb,
    ),
    (
        LARGE,
        "all audits together take less than stedi run",
        (STEDI, STEDI_AUDIT),
        lambda m: _less(m[STEDI_AUDIT].wall, m[STEDI].wall),
    ),
    (
        LARGE,
        "stedi run, peak memory, under 1,500 MB",
        (STEDI,),
        lambda m: _under(1500, m[STEDI].peak_mb, "MB"),
    ),
)


def _target_row(
    text: str, needed: tuple[str, ...], measure: _Measure, medians: Mapping[str, _Medians]
) -> tuple[str, str, str]:
    if missing := [name for name in needed if name not in medians]:
        return text, f"{', '.join(missing)} left out", "not measured"
    found, met = measure(medians)
    return text, found, "met" if met else "NOT MET"


def _medians(runs: Sequence[Run]) -> _Medians:
    return _Medians(
        statistics.median(run.usage.wall for run in runs),
        statistics.median(run.usage.peak_mb for run in runs),
        statistics.median(run.work or 0.0 for run in runs),
    )


def _spread(values: Sequence[float], digits: int) -> str:
    if not values:
        return ""
    median, low, high = (f"{pick(values):,.{digits}f}" for pick in (statistics.median, min, max))
    return f"{median} ({low}-{high})" if len(values) > 1 else median


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row_counts(data: DataSet) -> str:
    counts = (f"{table} {data.rows[table]:,}" for table in TABLES if table in data.rows)
    return f"Rows, {data.title}: {', '.join(counts)}."


def _java_version() -> str:
    program = java()
    if program is None:
        return "no Java"
    output = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stderr
    return f"Java {output.split(chr(34))[1]}"
