"""The documentation's pages, taken apart by a Markdown parser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"

_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its title (None: it has none), its text, and the line it begins on."""

    language: str
    title: str | None
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    return [
        Block(
            token.info.partition(" ")[0],
            title[1] if (title := _TITLE.search(token.info)) else None,
            token.content,
            token.map[0] + 1 if token.map else 0,
        )
        for token in _tokens(page)
        if token.type == "fence"
    ]


def headings(page: Path) -> list[str]:
    """The text of all headings of a page, without the signs of code."""
    tokens = _tokens(page)
    opened = (index for index, token in enumerate(tokens) if token.type == "heading_open")
    return [tokens[index + 1].content.replace("`", "") for index in opened]


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead to."""
    return [str(address) for token in _inline(page) for name in ("href", "src") if (address := token.attrs.get(name))]


def code(page: Path) -> list[str]:
    """What stands between backticks."""
    return [token.content for token in _inline(page) if token.type == "code_inline"]


def _inline(page: Path) -> Iterator[Token]:
    for token in _tokens(page):
        yield from token.children or ()


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(page.read_text("utf-8"))
