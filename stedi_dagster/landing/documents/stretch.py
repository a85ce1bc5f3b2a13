"""Where something unreadable ends: by its brackets and lines, read once and going forward only.

The rule: an object that is no record is one text, and nothing in it is a record. So a text goes on to the bracket that
closes it; but where its line is broken, the line is the text, so that a cut line costs no other. Two things are never
left: lines that are indented deeper than the one the text began on, and a list of objects, or of lines, before its end.
What stands in them may be anything but an agreement.
"""

import re

from stedi_dagster.landing.documents.document import BLANK

_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\\n\r\x1e]++|\\[^\n\r\x1e])*+(?P<closed>")?)'
    r"|(?P<bracket>[\[\]{}])"
    r"|(?P<end>[\n\r\x1e])[ \t\n\r\x1e\ufeff]*+"
    r'|[^"\[\]{}\n\r\x1e]++'
)
# An object that follows another on its line, with a comma between or a line's end that was written out.
_NEXT = re.compile(r"[ \t]*+(?:(?:,|(?:\\[nrt])++)[ \t]*+)?")
# What a list in JSON may begin with, but for brackets: all else (a comment, a zero) says nothing about what is in it.
_VALUE = re.compile(r"[-0-9tfnNI]")
# In a line, whatever its quotes say, a list that begins with an object or has nothing behind it.
_LIST_AT = re.compile(r"\[[ \t]*+(?:\{|\Z)")
_COMMA = re.compile(f"[{BLANK}]*+,?")
# Deeper than anybody nests: what may end does. And deeper than any list is kept for: rubbish.
_DEEPEST, _BOTTOM = 64, 1 << 15
# What is open: an object, a list of which nothing is known, one of objects or lines, one that is neither, and the
# rubbish that a stretch begins with (which nothing closes).
_OBJECT, _LIST, _OBJECTS, _OTHERS, _RUBBISH = "{[L*!"
# After these a list goes on in the next line.
_GOES_ON = ",[{}]"
# After these an object may follow.
_OPENS = ",[:"


class Stretch:
    """Looks for the end of a text that begins at some place; may be given the text bit by bit."""

    def __init__(
        self, error: int | None, *, indent: int, rubbish: bool = False, nested: bool = False, resumes: bool = True
    ) -> None:
        """Begin.

        Args:
            error: where the text stops being JSON, from its beginning; None where that is not known, but only that it
                is not whole.
            indent: how deep the line is indented that it begins on.
            rubbish: it does not begin as an object.
            nested: it stands in an array.
            resumes: whether what follows on its last line may be read.
        """
        self.at = 0
        self._error = error
        self._broken_at = error
        self._rubbish = rubbish
        self._nested = nested
        self._resumes = resumes
        self._indent = indent
        self._open = [_RUBBISH] if rubbish else []
        # Where each of them began.
        self._begun = [0] if rubbish else []
        self._lists = 0
        self._last = ""
        self._line_at = 0
        self._deeper_at = -1
        self._is_first_line = True
        # Where the text may end if it is not closed: the first such place counts.
        self._ends: list[int] = []

    def trim(self, text: str, start: int) -> None:
        """Take the place of the error to be behind the last thing that was well."""
        at = self._error
        while at and text[start + at - 1] in BLANK:
            at -= 1
        self._broken_at = at

    def drop(self) -> None:
        """Forget what has been read: it is given up."""
        self.at, self._line_at, self._ends = 0, 0, []
        self._error = self._broken_at = 0

    def end(self, text: str, start: int, *, final: bool) -> int | None:
        """Where the text ends, from its beginning; None where more of it must be known.

        Args:
            text: what is known.
            start: where in it the text begins.
            final: whether nothing follows.
        """
        for token in _TOKEN.finditer(text, start + self.at):
            self.at = token.start() - start
            found = self._take(token, text, start, final=final)
            if found is not None:
                return found if found >= 0 else None
            self.at = token.end() - start
        if not final:
            return None
        self.at = len(text) - start
        return min([*self._ends, self.at])

    def _take(self, token: "re.Match[str]", text: str, start: int, *, final: bool) -> int | None:
        """The end, if this token tells it; -1 where what follows must be known."""
        kind, found, at = token.lastgroup, token[0], token.start() - start
        if kind == "bracket":
            return self._opens(found, at) if found in "{[" else self._closes_at(token, text, start, final=final)
        if kind == "end":
            if token.end() >= len(text) and not final:
                return -1
            self._line_at = token.end() - start
            return self._line_ends(at, text[token.end() : token.end() + 1], indent_of(found))
        if kind == "string":
            if token["closed"] is None and not final and token.end() >= len(text) - 1:
                return -1
            self._is_not_first_object()
            self._last = '"'
            if token["closed"] is None:
                self._quotes_do_not_pair(text[start + self._line_at : token.end()].rstrip(BLANK), at)
        elif said := found.strip(BLANK):
            if _VALUE.match(said):
                self._is_not_first_object()
            self._last = said[-1]
        return None

    def _is_not_first_object(self) -> None:
        if self._open and self._open[-1] == _LIST:
            self._open[-1] = _OTHERS

    def _quotes_do_not_pair(self, line: str, at: int) -> None:
        """A quote too few or too many: what looks like a text may hold the bracket that a list begins with."""
        self._last = line[-1]
        if self._broken_at is None or self._last not in _GOES_ON:
            return
        if not self._lists and _LIST_AT.search(line) and line.count("[") > line.count("]"):
            self._push(_OBJECTS, at)
        if self._last == "{":
            self._push(_OBJECT, at)

    def _push(self, kind: str, at: int) -> None:
        self._open.append(kind)
        self._begun.append(at)
        self._lists += kind == _OBJECTS

    def _is_never_left(self, depth: int) -> None:
        """Keep a list, and forget where in it the text might have ended."""
        self._open[depth] = _OBJECTS
        self._lists += 1
        self._ends = [end for end in self._ends if end < self._begun[depth]]

    def _opens(self, bracket: str, at: int) -> int | None:
        if at and bracket == "{" and not self._lists and self._resumes and self._is_broken(at):
            behind_comma = self._nested and self._open == [_RUBBISH] and self._last == ","
            if behind_comma:
                return at
            if at == self._error and not self._rubbish:
                self._ends.append(at)
        if self._open and self._open[-1] == _LIST:
            self._open[-1] = _OTHERS
            if bracket == "{":
                self._holds_objects()
        self._push(_OBJECT if bracket == "{" else _LIST, at)
        self._last = bracket
        return min(self._ends) if self._ends and len(self._open) > _DEEPEST else None

    def _holds_objects(self) -> None:
        """The list that is open begins with an object; so does a list of such lists."""
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at] != _OTHERS:
                return
            self._open[at] = _OBJECTS
            self._lists += 1

    def _closes_at(self, token: "re.Match[str]", text: str, start: int, *, final: bool) -> int | None:
        behind, comma = (_end_of(pattern, text, token.end()) for pattern in (_NEXT, _COMMA))
        if max(behind, comma) >= len(text) and not final:
            return -1
        next_object = behind - start if text[behind : behind + 1] == "{" else None
        return self._closes(token[0], token.start() - start, next_object, is_followed=text[comma - 1] == ",")

    def _closes(self, bracket: str, at: int, next_object: int | None, *, is_followed: bool) -> int | None:
        wanted = _OBJECT if bracket == "}" else _LIST + _OBJECTS + _OTHERS
        top = len(self._open) - 1
        depth = next((at for at in range(top, max(top - _DEEPEST, -1), -1) if self._open[at] in wanted), None)
        self._last = bracket
        if depth is None:
            if bracket == "]" and self._nested and self._is_broken(at) and at:
                return min([*self._ends, at])
        elif bracket == "}" and at == self._deeper_at and depth < top:
            return None  # of an object in the list that has lost its beginning
        else:
            self._lists -= self._open[depth:].count(_OBJECTS)
            del self._open[depth:], self._begun[depth:]
            if not self._open:
                return at + 1
            if self._open[-1] == _OTHERS and bracket == "}" and is_followed:
                self._is_never_left(len(self._open) - 1)
        if next_object is not None and self._resumes and not self._lists and self._is_broken(at):
            if self._ends:
                return min(self._ends)
            self._ends.append(next_object)
        return None

    def _line_ends(self, at: int, follows: str, indent: int) -> int | None:
        first, self._is_first_line = self._is_first_line, False
        if indent > self._indent:
            self._deeper_at = self._line_at
            return None
        begins = follows in ("{", "[")
        within = self._open[-1]
        if self._broken_at is None and begins and self._last not in _OPENS:
            return at  # what is certainly no JSON
        if len(self._open) <= _BOTTOM and self._goes_on(at, follows, first=first):
            return None
        broken = self._is_broken(at)
        if begins:
            goes_on = (
                self._last == ":" if within == _OBJECT else within in (_LIST, _OTHERS) and self._last in (",", "[")
            )
            if not goes_on or broken or len(self._open) > _DEEPEST:
                return min([*self._ends, at])
            self._ends.append(at)
        if broken:
            self._ends.append(at)
            if first or self._rubbish:
                return min(self._ends)
        return None

    def _goes_on(self, at: int, follows: str, *, first: bool) -> bool:
        """Whether the next line stands in a list that is never left, or is a value."""
        if self._open[-1] == _LIST:
            self._is_never_left(len(self._open) - 1)
            return True
        if self._lists:
            return not (first and self._is_broken(at)) or self._last in _GOES_ON
        # Behind the first line, which may have been cut, an object may be another record.
        is_value = follows == "[" or (follows == "{" and not first and len(self._open) <= _DEEPEST)
        return is_value and self._last == ":"

    def _is_broken(self, at: int) -> bool:
        return self._broken_at is not None and at >= self._broken_at


def _end_of(pattern: "re.Pattern[str]", text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def indent_of(blank: str) -> int:
    """How deep a line is indented, from what stands before it."""
    return len(blank) - max(map(blank.rfind, "\n\r\x1e\ufeff")) - 1
