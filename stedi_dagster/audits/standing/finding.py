"""What a standing audit finds: numbers of rows, and never what is in them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """So many rows of a table with one problem; never what is in them.

    With `fails` it is an error, whatever the audit's severity.
    """

    table: str
    problem: str
    rows: int
    fails: bool = False
