"""JSON documents in any arrangement: what Python's decoder can read, and where everything else stands.

One object a line, several on one line, pretty-printed over many, an array of them, gzipped or not. Nothing here
knows what a record is; `records` does.
"""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

_BLOCK = 1 << 22
# A document longer than this is taken for malformed rather than unfinished.
_LONGEST_DOCUMENT = 1 << 20
_BETWEEN = re.compile(r"[ \t\r\n\ufeff]*")
# Where reading may go on after something unreadable: at a line that begins an object or an array, or at an object
# that follows another on the same line.
_RESUME = re.compile(r"\n[ \t\r]*(?=[{\[])|\}[ \t\r]*(?:,[ \t\r]*)?(?=\{)")
# What makes a number that was read the beginning of something else: a date, a serial number.
_GOES_ON = re.compile(r"[^\s,\[\]{}]")
_NOT_JSON = "not JSON"


class Ambiguous:
    """Stands for the value of a key that an object holds twice with different values."""


class Document(NamedTuple):
    """One decoded JSON value, or (`reason` set) a stretch of text that is none."""

    value: Any
    reason: str | None
    text: str
    line: int
    position: int


class _Unnumbered(str):
    """Text whose lines are not counted: Python does so at each decoding error, for up to a millisecond in a block."""

    __slots__ = ()

    def count(self, *_: Any) -> int:
        """No lines."""
        return 0


class _Cursor:
    """Turns places in the text into lines and bytes, going forward only."""

    def __init__(self) -> None:
        self.line = 1
        self.position = 0

    def advance(self, text: str) -> None:
        self.line += text.count("\n")
        self.position += len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def read_documents(stream: IO[bytes]) -> Iterator[Document]:
    """Yield everything in a file, in order; every byte but white space and array punctuation is in some document.

    Args:
        stream: the file as it lies there, packed or not.
    """
    blocks = _text(stream)
    decode = json.JSONDecoder(object_pairs_hook=_object).raw_decode
    cursor = _Cursor()
    buffer, start, depth = "", 0, 0
    more: str | _Broken | None = ""
    while True:
        begin = _between(buffer, start)
        cursor.advance(buffer[start:begin])
        start = begin
        if isinstance(more, str) and len(buffer) - start < _LONGEST_DOCUMENT:
            more = next(blocks, None)
            if isinstance(more, str):
                buffer, start = _Unnumbered(buffer[start:] + more), 0
            continue
        if start >= len(buffer):
            break
        character = buffer[start]
        # A comma stands between objects also where no brackets stand around them all.
        if character in "[," or (depth and character == "]"):
            depth += {"[": 1, "]": -1, ",": 0}[character]
            end = start + 1
        else:
            value, reason, end = _decode(decode, buffer, start)
            if reason and end == len(buffer) and isinstance(more, _Broken):
                reason, more = more.reason, None
            yield Document(value, reason, buffer[start:end], cursor.line, cursor.position)
        cursor.advance(buffer[start:end])
        start = end
    if isinstance(more, _Broken):
        yield Document(None, more.reason, "", cursor.line, cursor.position)


def _between(buffer: str, start: int) -> int:
    match = _BETWEEN.match(buffer, start)
    return match.end() if match else start


def _decode(decode: Any, buffer: str, start: int) -> tuple[Any, str | None, int]:
    try:
        value, end = decode(buffer, start)
        whole = isinstance(value, dict) or not _GOES_ON.match(buffer, end)
    except (ValueError, RecursionError):  # ValueError also for a number of more digits than Python converts
        whole = False
    if not whole:
        resume = _RESUME.search(buffer, start)
        return None, _NOT_JSON, resume.end() if resume else len(buffer)
    if not isinstance(value, dict):
        return None, "not an object", end
    return value, None, end


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        for key, value in pairs:
            if record[key] != value:
                record[key] = Ambiguous
    return record


@dataclass(frozen=True)
class _Broken:
    reason: str


def _text(stream: IO[bytes]) -> Iterator[str | _Broken]:
    """The file's text in blocks; bytes that are no UTF-8 become lone surrogates, which `records` refuses."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    # One read at a time of what is packed: a longer one would lose what stands before the damage.
    read = gzip.GzipFile(fileobj=stream).read1 if packed else stream.read
    try:
        while block := read(_BLOCK):
            yield decoder.decode(block)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield decoder.decode(b"", final=True)
        yield _Broken("packed file is damaged or cut short")
        return
    yield decoder.decode(b"", final=True)
