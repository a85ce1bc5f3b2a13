"""Unwraps raw files into text, and wraps text into such files again: packings and encodings.

Also names the formats that are not read. Nothing here knows JSON: see `documents`.
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
