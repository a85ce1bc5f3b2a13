"""Renders the card of a release, for people: as one self-contained HTML page, and as a Hugging Face dataset card.

What both say in sentences is in `sentences`; for programs there is `croissant`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stedi_dagster.contracts.columns import Column
from stedi_dagster.releases import sentences
from stedi_dagster.releases.facts import ExportedFile, Release
from stedi_dagster.report.facts import lost
from stedi_dagster.report.page import environment, rules
from stedi_dagster.split import PARTS

_HERE = Path(__file__).parent
# What Markdown could take for its own: anywhere, and at the beginning of a line.
_PUNCTUATION = re.compile(r"[\\`*_{}\[\]#|~$!@]")
_BEGINNING = re.compile(r"^([-+=]*|\d+)([-+=.)])(?=\s|$)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_PLAIN_CODE = re.compile(r"[\w.,:/=<> -]+", re.ASCII)
# Hugging Face's categories of size: the number of rows that each is below.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)


def as_html(release: Release, columns: Sequence[Column], files: Sequence[ExportedFile] = ()) -> str:
    """The card as a page.

    Args:
        release: what it is about.
        columns: of the table that it is cut from.
        files: those that it was exported to; none where it is shown from the lakehouse.
    """
    return environment(_HERE).get_template("card.html").render(_content(release, columns, files))


def as_markdown(release: Release, columns: Sequence[Column], files: Sequence[ExportedFile] = ()) -> str:
    """The card in Markdown; see `as_html`. That of an export begins with what the Hugging Face Hub reads of it."""
    made = environment(_HERE, finalize=_escaped)
    made.filters |= {"code": _code, "yaml": _yaml, "lines": _lines}
    # The Hub refuses a split without files.
    splits = [part for part in PARTS if any(file.part == part for file in files)]
    content = _content(release, columns, files) | {"splits": splits, "size": _size(release.current.rows)}
    return made.get_template("card.md").render(content)


def _content(release: Release, columns: Sequence[Column], files: Sequence[ExportedFile]) -> dict[str, Any]:
    return {
        "release": release,
        "now": release.current,
        "origin": release.origin,
        "parts": PARTS,
        "columns": columns,
        "files": files,
        "rules": rules(release.origin.policy),
        "lost": lost(release.origin.funnel),
        "say": sentences,
    }


def _escaped(value: Any) -> Markup:
    """A value as text of one line, that is neither Markdown nor HTML."""
    if isinstance(value, Markup):
        return value
    text = _PUNCTUATION.sub(r"\\\g<0>", " ".join(str(value).split()))
    text = re.sub("[&<>]", lambda found: _ENTITIES[found[0]], text)
    return Markup(_BEGINNING.sub(r"\1\\\2", text))  # noqa: S704 - just escaped


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _code(text: str) -> Markup:
    """A name or number as it is written in programs; one with unusual characters is text."""
    return Markup(f"`{text}`") if _PLAIN_CODE.fullmatch(text) else _escaped(text)  # noqa: S704


def _yaml(text: str) -> Markup:
    """A text as YAML's strings in double quotes, in which whatever is not printed has an escape."""
    plain = (char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text)
    return Markup(f'"{"".join(plain)}"')  # noqa: S704


def _size(rows: int) -> str:
    return next((name for below, name in _SIZES if rows < below), "n>1T")
