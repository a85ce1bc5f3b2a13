"""How a raw file is wrapped, both ways: packed and encoded files become text, and text such a file again.

Also what a file is that cannot be read. Nothing here knows JSON.
"""

from stedi_dagster.landing.formats.form import (
    Broken,
    Form,
    Part,
    form_of,
    hides,
    is_damaged,
    is_not_read,
    opened,
    reason_of,
    unpacked,
    writing,
)

__all__ = [
    "Broken",
    "Form",
    "Part",
    "form_of",
    "hides",
    "is_damaged",
    "is_not_read",
    "opened",
    "reason_of",
    "unpacked",
    "writing",
]
