"""Small pieces of Markdown."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `make reference` from the code. Do not edit: change the code and run it again. -->"


def page(title: str, *parts: str) -> str:
    """A page with its title, and a note that nobody should edit it."""
    return "\n\n".join((GENERATED, f"# {title}", *(part.strip("\n") for part in parts))) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell would end the cell."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def anchor(name: str) -> str:
    """Something that a link can lead to, where there is no heading."""
    return f'<a id="{name}"></a>'


def code(text: object) -> str:
    """A name or value as code; nothing for an empty one."""
    return f"`{text}`" if f"{text}" else ""


def codes(names: Iterable[str]) -> str:
    """Names as code, with commas between them."""
    return ", ".join(map(code, names))
