"""Reads the documents of a file: a growing buffer, the decoder, and what to do where decoding fails.

Linear in the file: for an incomplete document, its end is found first, and then it is decoded once more. Text decoded
in vain is counted, and after too much of it only single lines are decoded. `stretch` knows where unreadable text ends.
"""

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from stedi_dagster.landing.documents.buffer import Buffer
from stedi_dagster.landing.documents.document import (
    ARRAY_WITHOUT_END,
    BLANK,
    NOT_AN_OBJECT,
    NOT_JSON,
    STRAY_SEPARATOR,
    TOO_LONG,
    Document,
    object_of,
)
from stedi_dagster.landing.documents.stretch import Stretch, indent_of
from stedi_dagster.landing.formats import Part, opened, reason_of

LONGEST = 1 << 26
_BETWEEN = re.compile(f"[{BLANK}]*+")
_LINE_END = re.compile(r"[\n\r\x1e]")
_SCALAR = re.compile(
    r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
    r"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|NaN|-?Infinity"
)
_ALONE_IN_ARRAY = re.compile(r"[ \t]*+(?:[,\]\n\r\x1e]|\Z)")
_ALONE = re.compile(r"[ \t]*+(?:[{\[\n\r\x1e]|\Z|,[ \t]*+(?:[{\[\n\r\x1e]|\Z))")
# What tools write between objects: spelled-out line ends, and other marks that no record contains.
_SEPARATOR = re.compile(
    r"(?:\\(?:[nrtfv0]|u00[01][0-9a-fA-F]|x[01][0-9a-fA-F])|%0[ADad]|&#1[03];|<br ?/?>|[;|\x00])++"
    r"(?=[ \t]*+(?:[{\[\n\r\x1e]|\Z))"
)
# After these, an array that ends with the file has itself lost its end, and not only its last item.
_COMPLETE = (None, NOT_AN_OBJECT, STRAY_SEPARATOR)
_COMMENT = ("//", "#", "--", "<!--")
_BLOCK_COMMENT, _COMMENT_END = "/*", "*/"
# With this much text after an error of the decoder, more would not resolve it: the longest word or escape.
_LONGEST_WORD = 16
# How much may be decoded in vain, relative to how much was read.
_WASTE = 4
_WASTE_AT_LEAST = 1 << 20
_LONGEST_LINE = 1 << 20


def read_documents(stream: IO[bytes]) -> Iterator[Document]:
    """Yield everything in a file, in order; every byte but white space and array punctuation is in some document.

    Records may have up to 64 MiB. Lines and positions refer to the unpacked text in UTF-8.

    Args:
        stream: the file as stored, packed or not; seekable.
    """
    line, position = 1, 0
    for part in opened(stream):
        reader = _Reader(part, line, position)
        yield from reader.documents()
        line, position = reader.buffer.line, reader.buffer.position


class _Reader:
    """Reads one part."""

    def __init__(self, part: Part, line: int, position: int) -> None:
        self._kind = part.form.kind
        self.buffer = Buffer(part.blocks, line, position)
        self._decode = json.JSONDecoder(object_pairs_hook=object_of).raw_decode
        self._depth = 0
        self._wasted = 0
        # Whether the line has something before this place.
        self._within_line = False
        # How deep this line is indented, including the brackets that it begins with.
        self._indent = 0
        self._last: Document | None = None

    def documents(self) -> Iterator[Document]:
        buffer = self.buffer
        if self._kind is not None:
            yield from self._whole_file(reason_of(self._kind))
            return
        while self._skip():
            character = buffer.text[buffer.start]
            # Objects may be separated by commas even without brackets around them all.
            if character in "[," or (self._depth and character == "]"):
                self._depth += {"[": 1, "]": -1, ",": 0}[character]
                buffer.take(1)
                self._indent += character == "["
                self._last = None
                self._within_line = True
            else:
                for document in self._object() if character == "{" else self._rubbish():
                    yield self._noted(document)
        broken = buffer.broken
        if broken is not None:
            yield Document(None, broken.reason, "", buffer.line, buffer.position)
        elif self._depth and (self._last is None or self._last.reason in _COMPLETE):
            yield Document(None, ARRAY_WITHOUT_END, "", buffer.line, buffer.position)

    def _noted(self, document: Document) -> Document:
        """Note where the document ends; at the end of a damaged file, the damage becomes its reason."""
        buffer = self.buffer
        if document.reason is not None and buffer.is_at_end and buffer.broken is not None:
            document = document._replace(reason=buffer.broken.reason)
            buffer.broken = None
        self._last = document
        self._within_line = True
        if (begins := max(map(document.text.rfind, "\n\r\x1e"))) >= 0:
            line = document.text[begins + 1 :]
            self._indent = len(line) - len(line.lstrip(" \t"))
        return document

    def _skip(self) -> bool:
        """Move to what comes next; return whether anything does."""
        buffer = self.buffer
        while True:
            match = _BETWEEN.match(buffer.text, buffer.start)
            end = match.end() if match else buffer.start
            blank = buffer.text[buffer.start : end]
            if _LINE_END.search(blank):
                self._within_line, self._indent = False, indent_of(blank)
            elif not self._within_line:
                self._indent += len(blank) - blank.count("\ufeff")
            buffer.take(end - buffer.start)
            if buffer.start < len(buffer.text):
                return True
            if not buffer.grow():
                return False

    def _whole_file(self, reason: str) -> Iterator[Document]:
        buffer = self.buffer
        while buffer.length < LONGEST and buffer.grow():
            pass
        while buffer.length:
            yield self._noted(self._text(min(buffer.length, LONGEST), reason, weighs=True))
            while buffer.length < LONGEST and buffer.grow():
                pass

    def _text(self, length: int, reason: str, *, weighs: bool) -> Document:
        line, position = self.buffer.line, self.buffer.position
        return Document(None, reason, self.buffer.take(length), line, position, weighs)

    def _object(self) -> Iterator[Document]:
        buffer = self.buffer
        value, length, error, is_sure = self._decoded()
        if value is None and not is_sure:
            incomplete = Stretch(None, indent=self._indent)
            while buffer.end_of(incomplete) is None:
                if buffer.length > LONGEST:
                    yield from self._in_pieces(incomplete)
                    return
                buffer.grow()
            value, length, error, _ = self._decoded()
        if value is not None:
            line, position = buffer.line, buffer.position
            yield Document(value, None, buffer.take(length), line, position)
            return
        # For an object nested too deeply to be decoded, only the brackets show where it ends.
        broken = Stretch(error or None, indent=self._indent, nested=self._depth > 0)
        broken.trim(buffer.text, buffer.start)
        yield from self._until(broken, NOT_JSON, is_unfinished=error + _LONGEST_WORD >= buffer.length and buffer.final)

    def _decoded(self) -> tuple[dict[str, Any] | None, int, int, bool]:
        """The object here and its length, or where it stops being JSON; and whether more text could not change that."""
        buffer = self.buffer
        text, start = buffer.text, buffer.start
        if self._wasted > max(_WASTE_AT_LEAST, _WASTE * buffer.read):
            end = _LINE_END.search(text, start, start + _LONGEST_LINE)
            text, start = text[start : end.start() if end else start + _LONGEST_LINE], 0
        try:
            value, end_at = self._decode(text, start)
        except json.JSONDecodeError as raised:
            # An unterminated string runs to the end of the text.
            is_open = raised.msg.startswith("Unterminated string")
            error = (len(text) if is_open else min(raised.pos, len(text))) - start
            is_sure = buffer.final or start + error + _LONGEST_WORD < len(text)
        except (ValueError, RecursionError):  # a number of more digits than Python converts; too many brackets
            error, is_sure = 0, False
        else:
            return value, end_at - start, 0, True
        self._wasted += error
        return None, 0, error, is_sure

    def _until(self, stretch: Stretch, reason: str, *, is_unfinished: bool = False) -> Iterator[Document]:
        buffer = self.buffer
        while (end := buffer.end_of(stretch)) is None:
            if buffer.length > LONGEST:
                yield from self._in_pieces(stretch)
                return
            buffer.grow()
        text = buffer.text[buffer.start : buffer.start + end]
        begins_as_object = text.startswith("{")
        is_one_record = begins_as_object and (is_unfinished or not _LINE_END.search(text))
        yield self._text(end, reason, weighs=not is_one_record)

    def _in_pieces(self, stretch: Stretch) -> Iterator[Document]:
        """A text that is too long to be read, piece by piece."""
        buffer = self.buffer
        while True:
            # A single string may be that long; what follows it cannot be distinguished from its content.
            length = stretch.at if 2 * stretch.at > buffer.length else buffer.length
            yield self._text(length, TOO_LONG, weighs=True)
            stretch.drop()
            while (end := buffer.end_of(stretch)) is None and buffer.length <= LONGEST:
                buffer.grow()
            if end is not None:
                if end:
                    yield self._text(end, TOO_LONG, weighs=True)
                return

    def _rubbish(self) -> Iterator[Document]:
        buffer = self.buffer
        found = buffer.match(_SCALAR)
        alone = _ALONE_IN_ARRAY if self._depth else _ALONE
        if found is not None and buffer.match(alone, len(found)) is not None:
            yield self._text(len(found), NOT_AN_OBJECT, weighs=False)
            return
        if (separators := buffer.match(_SEPARATOR)) is not None:
            reason = NOT_JSON if "\x00" in separators else STRAY_SEPARATOR
            yield self._text(len(separators), reason, weighs=False)
        elif buffer.begins(_BLOCK_COMMENT):
            while (end := buffer.text.find(_COMMENT_END, buffer.start + len(_BLOCK_COMMENT))) < 0 and buffer.grow():
                pass
            length = end + len(_COMMENT_END) - buffer.start if end >= 0 else buffer.length
            yield self._text(length, NOT_JSON, weighs=True)
        else:
            is_comment = any(buffer.begins(mark) for mark in _COMMENT)
            resumes = not is_comment and (self._within_line or self._depth > 0 or buffer.begins("}"))
            nested = self._depth > 0 and not is_comment
            rubbish = Stretch(0, indent=self._indent, rubbish=True, nested=nested, resumes=resumes)
            yield from self._until(rubbish, NOT_JSON)
