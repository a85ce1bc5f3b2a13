"""Finds where unreadable text ends, by its brackets and lines, in one forward pass.

The rule: an object that is not a record is one text, and nothing in it is a record. So a text extends to the bracket
that closes it; but if its line is broken, the text is that line, so that a truncated line costs no other. A text never
ends within lines indented deeper than the one it began on, nor within a list of objects or of lines: whatever is in
those must not count as an agreement.
"""

import re

from stedi_dagster.landing.documents.document import BLANK

_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\\n\r\x1e]++|\\[^\n\r\x1e])*+(?P<closed>")?)'
    r"|(?P<bracket>[\[\]{}])"
    r"|(?P<end>[\n\r\x1e])[ \t\n\r\x1e\ufeff]*+"
    r'|[^"\[\]{}\n\r\x1e]++'
)
# Before an object that follows another on its line: blanks, with a comma or a spelled-out line end.
_NEXT = re.compile(r"[ \t]*+(?:(?:,|(?:\\[nrt])++)[ \t]*+)?")
# What a list in JSON may begin with, apart from brackets: anything else (a comment, a zero) does not reveal its items.
_VALUE = re.compile(r"[-0-9tfnNI]")
# In a line, regardless of its quotes: a list that begins with an object, or at the line's end.
_LIST_AT = re.compile(r"\[[ \t]*+(?:\{|\Z)")
_COMMA = re.compile(f"[{BLANK}]*+,?")
# Deeper than anybody nests: the text ends where it may. And so deep that it is rubbish: lists no longer keep it open.
_DEEPEST, _BOTTOM = 64, 1 << 15
# What may be open: an object, a list of unknown items, a list of objects or lines, any other list, and the rubbish that
# a stretch begins with (which nothing closes).
_OBJECT, _LIST, _OBJECTS, _OTHERS, _RUBBISH = "{[L*!"
# After these, a list continues on the next line.
_GOES_ON = ",[{}]"
# After these, an object may follow.
_OPENS = ",[:"


class Stretch:
    """Looks for the end of a text that begins at some place; accepts the text bit by bit."""

    def __init__(
        self, error: int | None, *, indent: int, rubbish: bool = False, nested: bool = False, resumes: bool = True
    ) -> None:
        """Begin.

        Args:
            error: where the text stops being JSON, relative to its beginning; None if that is unknown, as it is
                incomplete.
            indent: how deep the line that it begins on is indented.
            rubbish: whether it does not begin as an object.
            nested: whether it is in an array.
            resumes: whether what follows it on its last line may be read.
        """
        self.at = 0
        self._error = error
        self._broken_at = error
        self._rubbish = rubbish
        self._nested = nested
        self._resumes = resumes
        self._indent = indent
        self._open = [_RUBBISH] if rubbish else []
        # Where each of these began.
        self._began_at = [0] if rubbish else []
        self._lists = 0
        self._last = ""
        self._line_at = 0
        self._deeper_at = -1
        self._is_first_line = True
        # Where the text may end if it is never closed: the first such place counts.
        self._ends: list[int] = []

    def trim(self, text: str, start: int) -> None:
        """Move the place of the error back to just after the last text that was fine."""
        at = self._error
        while at and text[start + at - 1] in BLANK:
            at -= 1
        self._broken_at = at

    def drop(self) -> None:
        """Forget what was read: the caller has given it up."""
        self.at, self._line_at, self._ends = 0, 0, []
        self._error = self._broken_at = 0

    def end(self, text: str, start: int, *, final: bool) -> int | None:
        """Where the text ends, relative to its beginning; None if more of it is needed.

        Args:
            text: what is known so far.
            start: where the stretch begins in it.
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
        """The end, if this token determines it; -1 if what follows is needed."""
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
            self._note_other_item()
            self._last = '"'
            if token["closed"] is None:
                self._note_unpaired_quote(text[start + self._line_at : token.end()].rstrip(BLANK), at)
        elif word := found.strip(BLANK):
            if _VALUE.match(word):
                self._note_other_item()
            self._last = word[-1]
        return None

    def _note_other_item(self) -> None:
        if self._open and self._open[-1] == _LIST:
            self._open[-1] = _OTHERS

    def _note_unpaired_quote(self, line: str, at: int) -> None:
        """With a missing or surplus quote, what looks like a string may hold the bracket that a list begins with."""
        self._last = line[-1]
        if self._broken_at is None or self._last not in _GOES_ON:
            return
        if not self._lists and _LIST_AT.search(line) and line.count("[") > line.count("]"):
            self._push(_OBJECTS, at)
        if self._last == "{":
            self._push(_OBJECT, at)

    def _push(self, kind: str, at: int) -> None:
        self._open.append(kind)
        self._began_at.append(at)
        self._lists += kind == _OBJECTS

    def _keep_open(self, depth: int) -> None:
        """Let the text not end within a list, and forget where in it the text might have ended."""
        self._open[depth] = _OBJECTS
        self._lists += 1
        self._ends = [end for end in self._ends if end < self._began_at[depth]]

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
                self._note_list_of_objects()
        self._push(_OBJECT if bracket == "{" else _LIST, at)
        self._last = bracket
        return min(self._ends) if self._ends and len(self._open) > _DEEPEST else None

    def _note_list_of_objects(self) -> None:
        """Note that the open list begins with an object; so does a list of such lists."""
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
            return None  # this closes an object of the list that has lost its beginning
        else:
            self._lists -= self._open[depth:].count(_OBJECTS)
            del self._open[depth:], self._began_at[depth:]
            if not self._open:
                return at + 1
            if self._open[-1] == _OTHERS and bracket == "}" and is_followed:
                self._keep_open(len(self._open) - 1)
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
            return at  # this is certainly not JSON
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
        """Whether the next line is in a list that is kept open, or is a value."""
        if self._open[-1] == _LIST:
            self._keep_open(len(self._open) - 1)
            return True
        if self._lists:
            return not (first and self._is_broken(at)) or self._last in _GOES_ON
        # After the first line, which may be truncated, an object may be another record.
        is_value = follows == "[" or (follows == "{" and not first and len(self._open) <= _DEEPEST)
        return is_value and self._last == ":"

    def _is_broken(self, at: int) -> bool:
        return self._broken_at is not None and at >= self._broken_at


def _end_of(pattern: "re.Pattern[str]", text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def indent_of(blank: str) -> int:
    """How deep a line is indented, given the white space before it."""
    return len(blank) - max(map(blank.rfind, "\n\r\x1e\ufeff")) - 1
