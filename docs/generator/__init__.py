"""Writes the pages of `docs/reference/` from the code: `make reference`, which is `python -m docs.generator`.

It stands here, and not in `stedi_dagster`, because no run needs it. A test holds the committed pages to it.
"""

from collections.abc import Callable
from pathlib import Path

from docs.generator import checks, commands, dagster_page, settings, sql, stack, tables

FOLDER = Path(__file__).parents[1] / "reference"

_PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings.page,
    "commands.md": commands.page,
    "checks.md": checks.page,
    "tables.md": tables.page,
    "dagster.md": dagster_page.page,
    "sql.md": sql.page,
    "stack.md": stack.page,
}


def pages() -> dict[str, str]:
    """What every generated page says now, by the name of its file in `docs/reference/`."""
    return {name: page() for name, page in _PAGES.items()}
