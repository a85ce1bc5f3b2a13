"""How the commands' arguments are read, where Typer's own way is not enough."""

import re
from typing import Any

import typer
from typer.core import TyperCommand

# Not an option: options have no blank before their value.
_COMMENT = re.compile(r"--[^\s=]*\s")


def known_feeds(names: list[str] | None) -> list[str]:
    """Refuse names that are not feeds. Imports the feeds only if needed: it would take too long for `--help`."""
    if not names:
        return []
    from stedi_dagster.landing.feeds import FEEDS

    return _of(names, [feed.name for feed in FEEDS.values()])


def known_tables(names: list[str] | None) -> list[str]:
    """Refuse names that are not tables; see `known_feeds`."""
    if not names:
        return []
    from stedi_dagster.contracts import TABLES

    return _of(names, list(TABLES))


def _of(names: list[str], known: list[str]) -> list[str]:
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}.")
    return names


class TextCommand(TyperCommand):
    """A command whose argument is a text that may begin with `--`, as a comment in SQL does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Distinguish a text from an option: it contains a blank or a line break before any `=`."""
        return super().parse_args(ctx, [f"\n{arg}" if _COMMENT.match(arg) else arg for arg in args])
