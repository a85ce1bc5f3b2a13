"""Reads raw files that hold nothing but one plain object a line, as tables: many times faster than as documents.

Plain is what leaves no room for a second reading: each line is one object, without braces in its texts; its keys are
columns of the feed's contract in the contract's spelling, each there once, and its values are of the columns' types.
`documents` reads the same in it: whoever looks for something needs that only for the lines that a table shows.
"""

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as pj

from stedi_dagster.contracts import Contract
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.documents.document import BLANK, object_of
from stedi_dagster.landing.feeds import DERIVED, FEEDS

_BLOCK = 1 << 23
_LONGEST_LINE = 1 << 14
_LINE_END, _RETURN, _ESCAPE, _OPENS, _CLOSES = b"\n\r\\{}"
_DECODER = json.JSONDecoder(object_pairs_hook=object_of)
# Arrow reads while Python looks at what it has read.
_AT_ONCE = 2


class NotPlainError(Exception):
    """A file is not plain: it is to be read document by document, from its beginning."""


class Line(NamedTuple):
    """A line of a plain file: where it begins and ends among its bytes, its line end included, and what it says."""

    start: int
    end: int
    document: Document


class PlainLines(NamedTuple):
    """Some lines of a file.

    Attributes:
        content: their bytes.
        number: of the first one in the file.
        position: where in the file's bytes it begins.
        rows: what they say, a row for each.
    """

    content: bytes
    number: int
    position: int
    rows: pa.Table

    def lines(self, which: pa.BooleanArray) -> Iterator[Line]:
        """Some of the lines.

        Args:
            which: of each line, whether it is one of them.
        """
        if not pc.any(which).as_py():
            return
        ends = _places(self.content, _LINE_END) + 1
        for at in np.flatnonzero(which.to_numpy(zero_copy_only=False)).tolist():
            start = int(ends[at - 1]) if at else 0
            end = int(ends[at]) if at < len(ends) else len(self.content)
            document = document_of(self.content[start:end], self.number + at, self.position + start)
            yield Line(self.position + start, self.position + end, document)

    def escaped(self) -> pa.BooleanArray:
        """Which lines have an escape: what stands there may be read in another way than what it means."""
        found = np.zeros(self.rows.num_rows, bool)
        found[np.searchsorted(_places(self.content, _LINE_END), _places(self.content, _ESCAPE))] = True
        return pa.array(found)


def plain_lines(stream: IO[bytes], contract: type[Contract]) -> Iterator[PlainLines]:
    """Read a file of plain lines, some megabytes at a time.

    Args:
        stream: the file as stored.
        contract: the feed's.

    Raises:
        NotPlainError: it is not plain, which may show only after a part of it has been read.
    """
    schema = _schema(contract)
    reading: deque[tuple[bytes, Future[pa.Table]]] = deque()
    number, position = 1, 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        blocks = _blocks(stream)
        while True:
            while len(reading) <= _AT_ONCE and (block := next(blocks, None)):
                reading.append((block, pool.submit(_read, block, schema)))
            if not reading:
                return
            content, future = reading.popleft()
            rows = future.result()
            yield PlainLines(content, number, position, rows)
            number += rows.num_rows
            position += len(content)


def document_of(line: bytes, number: int, position: int) -> Document:
    """A plain line as the document that it is read as in its file; alone, it might be taken for another kind of file.

    Args:
        line: the line.
        number: of the line in its file.
        position: where in the file's bytes it begins.
    """
    text = line.decode().strip(BLANK)
    return Document(_DECODER.decode(text), None, text, number, position)


def contract_of(stream: IO[bytes]) -> type[Contract] | None:
    """The contract of which the first line of a file holds a plain object; None if it is no feed's, or very long.

    Args:
        stream: the file as stored; seekable, and left at its beginning.
    """
    line = stream.read(_LONGEST_LINE).partition(b"\n")[0]
    stream.seek(0)
    for feed in FEEDS.values():
        try:
            _read(line, _schema(feed.contract))
        except NotPlainError:
            continue
        return feed.contract
    return None


@lru_cache
def _schema(contract: type[Contract]) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in arrow_schema(contract) if field.name not in DERIVED])


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole lines; a line longer than a block is none of a plain file."""
    rest = b""
    while read := stream.read(_BLOCK):
        end = read.rfind(b"\n") + 1
        if end:
            yield rest + read[:end]
            rest = b""
        rest += read[end:]
        if len(rest) > _BLOCK:
            raise NotPlainError
    if rest:
        yield rest


def _places(content: bytes, sign: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.flatnonzero(np.frombuffer(content, np.uint8) == sign)


def _count_objects(lines: bytes) -> int:
    """How many lines there are, each an object with nothing around it: braces within make it odd.

    Arrow would read several objects of a line, and does not survive some of what is no object (a null before one).

    Raises:
        NotPlainError: one is none.
    """
    # A count of bytes is slower, and lets no other thread work.
    signs = np.frombuffer(lines, np.uint8)
    ends = _places(lines, _LINE_END)
    starts = np.concatenate(([0], ends + 1))
    if lines.endswith(b"\n"):
        starts = starts[:-1]
    if not lines or (signs[starts] != _OPENS).any():
        raise NotPlainError
    # No line is empty: there is something before each end.
    last = ends - 1
    last -= signs[last] == _RETURN
    if (signs[last] != _CLOSES).any() or not lines.endswith((b"\n", b"}")):
        raise NotPlainError
    if not np.count_nonzero(signs == _OPENS) == np.count_nonzero(signs == _CLOSES) == starts.size:
        raise NotPlainError
    return int(starts.size)


def _read(lines: bytes, schema: pa.Schema) -> pa.Table:
    number = _count_objects(lines)
    at_once = pj.ReadOptions(use_threads=False, block_size=len(lines) + 1)
    strictly = pj.ParseOptions(explicit_schema=schema, newlines_in_values=False, unexpected_field_behavior="error")
    try:
        rows = pj.read_json(pa.BufferReader(lines), at_once, strictly)
        # That every text is UTF-8.
        rows.validate(full=True)
    except pa.ArrowInvalid:
        raise NotPlainError from None
    if rows.num_rows != number:
        raise NotPlainError
    # Which Arrow reads, and JSON does not have.
    for column in rows.itercolumns():
        if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column)).as_py():
            raise NotPlainError
    return rows
