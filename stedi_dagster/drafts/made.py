"""How a table's next rows come about."""

from enum import StrEnum


class Made(StrEnum):
    """How they were made."""

    FULL = "full"
    APPENDED = "appended"
    # Of people or devices whose standing has changed, all rows went and were selected anew.
    PEOPLE_REDONE = "people redone"
    # Of raw files that have changed or gone, with those that landed with them.
    FILES_REDONE = "files redone"
    UNCHANGED = "unchanged"


class MadeInFull(Exception):  # noqa: N818 - no error: a way to make a table
    """A table is to be made in full; its text says why; without one, it is made for the first time."""
