"""Holds as much of a file's text as is needed, and knows where in the file that is."""

import re
from collections.abc import Iterator
from typing import Any

from stedi_dagster.landing.documents.stretch import Stretch
from stedi_dagster.landing.formats import Broken


class _Unnumbered(str):
    """Text whose lines are not counted: Python counts them at each decoding error, taking up to a millisecond."""

    __slots__ = ()

    def count(self, *_: Any) -> int:
        """No lines."""
        return 0


class Buffer:
    """A file's text from `start` on; `line` and `position` (in bytes of UTF-8) are those of `start`."""

    def __init__(self, blocks: Iterator[str | Broken], line: int, position: int) -> None:
        self._blocks = blocks
        self.text: str = _Unnumbered("")
        self.start = 0
        self.line = line
        self.position = position
        self.read = 0
        self.final = False
        self.broken: Broken | None = None

    @property
    def length(self) -> int:
        """How many characters are held from `start` on."""
        return len(self.text) - self.start

    @property
    def is_at_end(self) -> bool:
        """Whether everything has been taken."""
        return self.final and not self.length

    def grow(self) -> bool:
        """Hold more, at least twice as much as now; return False if there is no more."""
        if self.final:
            return False
        held, wanted = [self.text[self.start :]], max(self.length, 1)
        for block in self._blocks:
            if isinstance(block, Broken):
                self.broken, self.final = block, True
                break
            held.append(block)
            self.read += len(block)
            wanted -= len(block)
            if wanted <= 0:
                break
        else:
            self.final = True
        self.text, self.start = _Unnumbered("".join(held)), 0
        return True

    def take(self, length: int) -> str:
        """Return the next characters and move past them."""
        taken = self.text[self.start : self.start + length]
        self.start += length
        self.line += taken.count("\n")
        self.position += length if taken.isascii() else len(taken.encode("utf-8", "surrogateescape"))
        return taken

    def begins(self, mark: str) -> bool:
        """Whether the text continues with a mark."""
        while self.length < len(mark) and self.grow():
            pass
        return self.text.startswith(mark, self.start)

    def match(self, pattern: "re.Pattern[str]", ahead: int = 0) -> str | None:
        """What matches here, or this many characters ahead; holds as much text as it takes to know."""
        while True:
            found = pattern.match(self.text, self.start + ahead)
            is_open = found is None or found.end() >= len(self.text) - 1
            if not is_open or self.final or (found is None and self.length > ahead + _LONGEST_MATCH):
                return found[0] if found else None
            self.grow()

    def end_of(self, stretch: Stretch) -> int | None:
        """Where a stretch that begins here ends; None if more text must be held."""
        return stretch.end(self.text, self.start, final=self.final)


# A pattern that has not matched within this many characters never will.
_LONGEST_MATCH = 1 << 16
