"""Prints rows on standard output: a grid for people, JSON for scripts. Fast enough for a whole table."""

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid

# Control characters, which could move the cursor.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Beyond this many rows, folding columns to the width of a terminal takes too long.
_FOLDED_AT_MOST = 200


class Printing(Console):
    """A console that leaves the exit code to the command if nobody reads on; Rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Re-raise the error that Rich has caught."""
        raise  # noqa: PLE0704 - called in the handler of a BrokenPipeError


def rows_of(relation: Any) -> list[dict[str, Any]]:
    """A DuckDB result as a list of objects; if columns have the same name, later ones get a number."""
    columns = list(relation.columns)
    before = [columns[:index].count(name) for index, name in enumerate(columns)]
    names = [f"{name}_{count + 1}" if count else name for name, count in zip(columns, before, strict=True)]
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def show(rows: list[dict[str, Any]], *, as_json: bool, columns: Iterable[str] = ()) -> None:
    """Print rows as JSON or as a grid; `columns` are its headings if there are no rows."""
    if as_json:
        text = json.dumps([_plain(row) for row in rows], indent=2, default=str, ensure_ascii=False)
        sys.stdout.write(f"{text}\n")
        return
    names = [_visible(name) for name in (rows[0] if rows else columns)]
    if not names:
        return
    cells = [["" if value is None else _visible(str(value)) for value in row.values()] for row in rows]
    numeric = [
        bool(rows) and all(isinstance(value, int | float) for value in column)
        for column in zip(*(row.values() for row in rows), strict=True)
    ] or [False] * len(names)
    widths = [max(map(_width, column)) for column in zip(names, *cells, strict=True)]
    if sys.stdout.isatty() and len(rows) <= _FOLDED_AT_MOST:
        console = Printing(markup=False, highlight=False)
        if sum(widths) + len(widths) - 1 > console.width:
            _fold(console, names, cells, numeric)
            return
    sys.stdout.writelines(_lines([names, *cells], widths, numeric))


def _lines(table: Sequence[Sequence[str]], widths: Sequence[int], numeric: Sequence[bool]) -> Iterator[str]:
    for row in table:
        padded = []
        for cell, width, right in zip(row, widths, numeric, strict=True):
            space = " " * (width - _width(cell))
            padded.append(f"{space}{cell}" if right else f"{cell}{space}")
        yield f"{' '.join(padded).rstrip()}\n"


def _fold(console: Console, names: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    grid = Grid(box=None, pad_edge=False)
    for name, right in zip(names, numeric, strict=True):
        grid.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in cells:
        grid.add_row(*row)
    console.print(grid)


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _visible(text: str) -> str:
    """A text on one line without control characters: raw texts come from anybody, and could control a terminal."""
    return _CONTROLS.sub(lambda found: _NAMED.get(found[0], f"\\x{ord(found[0]):02x}"), text)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row with numbers that JSON does not have (NaN, infinity) as text."""
    return {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
