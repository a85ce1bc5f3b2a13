"""A raw file as text: its packings taken off, its encoding decoded, and how to write another of the same form."""

import codecs
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from stedi_dagster.landing.formats.encodings import Encoding, decoded, encoding_of
from stedi_dagster.landing.formats.magic import HEAD, in_archive, unreadable
from stedi_dagster.landing.formats.packing import (
    BLOCK,
    DAMAGED,
    ENCRYPTED,
    TOO_DENSE,
    ZIP,
    PackedError,
    members,
    names,
    packing,
    packing_of,
    unpack,
)

# Twice packed happens, by a tool that packs what was packed; more often is a trap.
_MOST_PACKINGS = 3
_NOT_READ = " file, which is not read"


@dataclass(frozen=True)
class Broken:
    """Why a file cannot be read on from here."""

    reason: str


@dataclass(frozen=True)
class Form:
    """How a file is wrapped.

    `packings` are its packings from the outside in; `kind` is what it is if nothing in it can be read, like "Parquet".
    """

    packings: tuple[str, ...] = ()
    encoding: Encoding = Encoding()  # noqa: RUF009 - frozen
    kind: str | None = None


@dataclass(frozen=True)
class Part:
    """A file, or one of those in an archive: its form, and its text in blocks.

    Where bytes are no text of the encoding, lone surrogates stand for them: in UTF-8 those of Python's
    `surrogateescape`, elsewhere one that no text may hold.
    """

    form: Form
    blocks: Iterator[str | Broken]


def reason_of(kind: str) -> str:
    """Why a file that is of a kind cannot be read."""
    return f"{kind}{_NOT_READ}"


def is_not_read(reason: str) -> bool:
    """Whether this is the reason why a whole file is not read: the format that it is in."""
    return reason.endswith(_NOT_READ)


def hides(reason: str) -> bool:
    """Whether what cannot be read for this reason may hold anything: not even its letters can be looked at."""
    return is_not_read(reason) or reason in (DAMAGED, TOO_DENSE, ENCRYPTED)


def is_damaged(reason: str) -> bool:
    """Whether this is the reason why the rest of what is packed is not read."""
    return reason == DAMAGED


def opened(stream: IO[bytes]) -> Iterator[Part]:
    """The parts of a file, to be read in order: one, or those of an archive.

    Args:
        stream: the file as it lies there; it can seek.
    """
    for packings, blocks, kind in _unpacked(stream):
        yield _part(packings, blocks, kind)


def form_of(stream: IO[bytes]) -> Form:
    """How a file is wrapped: of an archive, what is first in it; the stream is where it was, at the beginning."""
    part = next(opened(stream), None)
    stream.seek(0)
    return part.form if part else Form((ZIP,))


def unpacked(stream: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes without its packings. What stands before damage is yielded, and then no more.

    Args:
        stream: as for `opened`.
    """
    for _, blocks, _ in _unpacked(stream):
        try:
            yield from blocks
        except PackedError:
            return


@contextmanager
def writing(target: IO[bytes], form: Form) -> Iterator[Any]:
    """Write a file of a form: yields a stream for text in UTF-8, in which `surrogateescape` has kept what is none.

    An archive is written with one file in it.

    Args:
        target: where it is written; it stays open.
        form: as `opened` found it.
    """
    with ExitStack() as stack:
        inner: Any = target
        for name in form.packings:
            inner = stack.enter_context(packing(name, inner))
        yield _Encoding(inner, form.encoding)


class _Encoding:
    """A stream of UTF-8 into one of another encoding."""

    def __init__(self, target: Any, encoding: Encoding) -> None:
        self._target = target
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._begun = False

    def write(self, content: bytes) -> int:
        if self._encoding.is_utf8:
            return int(self._target.write(content))
        text = self._decoder.decode(content)
        self._target.write((b"" if self._begun else self._encoding.mark) + self._encoding.encode(text))
        self._begun = True
        return len(content)


def _unpacked(stream: IO[bytes]) -> Iterator[tuple[tuple[str, ...], Iterator[bytes], str | None]]:
    head = _head(stream)
    if packing_of(head) != ZIP:
        yield (*_peeled((), _read(stream)), None)
        return
    kind = in_archive(names(stream))
    stream.seek(0)
    if kind is not None:
        yield (), _read(stream), kind
        return
    try:
        for member in members(stream):
            yield (*_peeled((ZIP,), member), None)
    except PackedError as error:
        yield (ZIP,), _failing(error), None


def _failing(error: PackedError) -> Iterator[bytes]:
    raise error
    yield b""


def _head(stream: IO[bytes]) -> bytes:
    head = stream.read(HEAD)
    stream.seek(0)
    return head


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _peeled(packings: tuple[str, ...], blocks: Iterator[bytes]) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """Take off one packing after another."""
    while len(packings) < _MOST_PACKINGS:
        head, blocks = _peeked(blocks)
        name = packing_of(head)
        if name is None or name == ZIP:
            break
        packings, blocks = (*packings, name), unpack(name, blocks)
    return packings, blocks


def _peeked(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them; an error comes where it was."""
    seen: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            seen.append(block)
            size += len(block)
            if size >= HEAD:
                break
    except PackedError as error:
        return b"".join(seen)[:HEAD], chain(seen, _failing(error))
    return b"".join(seen)[:HEAD], chain(seen, blocks)


def _part(packings: tuple[str, ...], blocks: Iterator[bytes], kind: str | None) -> Part:
    head, blocks = _peeked(blocks)
    encoding = encoding_of(head)
    if kind is None and encoding.is_utf8:
        # An archive in a packed file cannot be sought in.
        kind = "packed zip" if packing_of(head) == ZIP else unreadable(head)
    return Part(Form(packings, encoding, kind), _text(blocks, encoding))


def _text(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[str | Broken]:
    try:
        yield from decoded(blocks, encoding)
    except PackedError as error:
        yield Broken(str(error) or DAMAGED)
