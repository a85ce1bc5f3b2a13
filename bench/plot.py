"""Draws time and memory against the size of the data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.contenders import DUCKDB, PLAIN, STEDI, STEDI_AGAIN, STEDI_DAY, STEDI_FORGET, STEDI_PEOPLE, STEDI_VERIFY

#: What is drawn, and what it is called; the platform's own in solid lines.
_DRAWN: Mapping[str, tuple[str, str]] = {
    STEDI: ("stedi run, in full", "-"),
    STEDI_AGAIN: ("nothing new", "-"),
    STEDI_DAY: ("one more day's readings", "-"),
    STEDI_PEOPLE: ("changed people besides", "-"),
    STEDI_FORGET: ("stedi forget", "-"),
    STEDI_VERIFY: ("stedi forget --verify", "-"),
    DUCKDB: ("DuckDB, bare queries", "--"),
    PLAIN: ("plain script on Spark", "--"),
}
_PANELS = ("seconds, whole process", "peak memory, MB")


def draw(path: Path, found: Mapping[str, Sequence[tuple[float, float, float]]]) -> None:
    """Draw one panel for time and one for memory, both axes logarithmic.

    Args:
        path: where the SVG goes.
        found: by contender, of each data set its size in MB, the seconds, and the peak memory in MB.
    """
    # The same input gives the same file.
    mpl.rcParams["svg.hashsalt"] = "stedi"
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for at, (axes, title) in enumerate(zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True), 1):
        for name, (label, style) in _DRAWN.items():
            if points := sorted(found.get(name, ())):
                sizes, values = [point[0] for point in points], [point[at] for point in points]
                # One legend for both.
                axes.plot(sizes, values, style, marker="o", markersize=3, label=label if at == 1 else None)
        axes.set(xscale="log", yscale="log", xlabel="landing data, MB", title=title)
        axes.grid(visible=True, which="both", linewidth=0.3)
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
