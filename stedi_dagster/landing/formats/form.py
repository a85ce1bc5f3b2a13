"""Reads a raw file as text, unpacked and decoded, and writes another file of the same form.

The packings themselves are in `packing`, encodings in `encodings`, recognition of other formats in `magic`.
"""

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

# Some tools pack what is packed already; beyond that it is a trap.
_MOST_PACKINGS = 3
_NOT_READ = " file, which is not read"


@dataclass(frozen=True)
class Broken:
    """Why the rest of a file cannot be read."""

    reason: str


@dataclass(frozen=True)
class Form:
    """How a file is wrapped.

    `packings` lists its packings from the outside in; `kind` names its format if it cannot be read, like "Parquet".
    """

    packings: tuple[str, ...] = ()
    encoding: Encoding = Encoding()  # noqa: RUF009 - frozen
    kind: str | None = None


@dataclass(frozen=True)
class Part:
    """A file, or a member of an archive: its form, and its text in blocks.

    Lone surrogates stand for bytes that are not text in the encoding: in UTF-8 those of Python's `surrogateescape`,
    elsewhere one that no text may contain.
    """

    form: Form
    blocks: Iterator[str | Broken]


def reason_of(kind: str) -> str:
    """The reason why a file of a kind is not read."""
    return f"{kind}{_NOT_READ}"


def is_not_read(reason: str) -> bool:
    """Whether this reason means that a whole file is not read because of its format."""
    return reason.endswith(_NOT_READ)


def hides(reason: str) -> bool:
    """Whether a text that cannot be read for this reason may hold anything: not even its letters are visible."""
    return is_not_read(reason) or reason in (DAMAGED, TOO_DENSE, ENCRYPTED)


def is_damaged(reason: str) -> bool:
    """Whether this reason means that the rest of a packed file is not read."""
    return reason == DAMAGED


def opened(stream: IO[bytes]) -> Iterator[Part]:
    """The parts of a file, to be read in order: the file itself, or the members of an archive.

    Args:
        stream: the file as stored; seekable.
    """
    for packings, blocks, kind in _unpacked(stream):
        yield _part(packings, blocks, kind)


def form_of(stream: IO[bytes]) -> Form:
    """How a file, or the first member of an archive, is wrapped; leaves the stream at its beginning."""
    part = next(opened(stream), None)
    stream.seek(0)
    return part.form if part else Form((ZIP,))


def unpacked(stream: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes without its packings, up to the first damage.

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
    """Write a file of a form: yields a stream for UTF-8, with `surrogateescape` for bytes that were not text.

    An archive is written with one member.

    Args:
        target: where to write; it stays open.
        form: as `opened` found it.
    """
    with ExitStack() as stack:
        inner: Any = target
        for name in form.packings:
            inner = stack.enter_context(packing(name, inner))
        yield _Encoder(inner, form.encoding)


class _Encoder:
    """A stream that turns UTF-8 into another encoding."""

    def __init__(self, target: Any, encoding: Encoding) -> None:
        self._target = target
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._has_begun = False

    def write(self, content: bytes) -> int:
        if self._encoding.is_utf8:
            return int(self._target.write(content))
        text = self._decoder.decode(content)
        self._target.write((b"" if self._has_begun else self._encoding.mark) + self._encoding.encode(text))
        self._has_begun = True
        return len(content)


def _unpacked(stream: IO[bytes]) -> Iterator[tuple[tuple[str, ...], Iterator[bytes], str | None]]:
    head = _first_bytes(stream)
    if packing_of(head) != ZIP:
        yield (*_without_packings((), _read(stream)), None)
        return
    kind = in_archive(names(stream))
    stream.seek(0)
    if kind is not None:
        yield (), _read(stream), kind
        return
    try:
        for member in members(stream):
            yield (*_without_packings((ZIP,), member), None)
    except PackedError as error:
        yield (ZIP,), _failing(error), None


def _failing(error: PackedError) -> Iterator[bytes]:
    raise error
    yield b""


def _first_bytes(stream: IO[bytes]) -> bytes:
    head = stream.read(HEAD)
    stream.seek(0)
    return head


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _without_packings(packings: tuple[str, ...], blocks: Iterator[bytes]) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """Remove one packing after another."""
    while len(packings) < _MOST_PACKINGS:
        head, blocks = _peeked(blocks)
        name = packing_of(head)
        if name is None or name == ZIP:
            break
        packings, blocks = (*packings, name), unpack(name, blocks)
    return packings, blocks


def _peeked(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all blocks including them; an error is raised at its original place."""
    held: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            held.append(block)
            size += len(block)
            if size >= HEAD:
                break
    except PackedError as error:
        return b"".join(held)[:HEAD], chain(held, _failing(error))
    return b"".join(held)[:HEAD], chain(held, blocks)


def _part(packings: tuple[str, ...], blocks: Iterator[bytes], kind: str | None) -> Part:
    head, blocks = _peeked(blocks)
    encoding = encoding_of(head)
    if kind is None and encoding.is_utf8:
        # An archive within a packed file is not seekable.
        kind = "packed zip" if packing_of(head) == ZIP else unreadable(head)
    return Part(Form(packings, encoding, kind), _text(blocks, encoding))


def _text(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[str | Broken]:
    try:
        yield from decoded(blocks, encoding)
    except PackedError as error:
        yield Broken(str(error) or DAMAGED)
