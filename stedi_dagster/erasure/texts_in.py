"""The texts in what files hold: in their blocks, in values of columns, in records, in what Dagster packs."""

import codecs
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, Any

import pyarrow as pa

from stedi_dagster.landing.formats import Broken

_BLOCK = 1 << 24
# Stands for bytes that are no text. It is white space, and no line end, over which something packed could go on.
_APART = "\x1e"
_NO_TEXT = "stedi_dagster.no_text"


def _apart(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _APART, error.end


codecs.register_error(_NO_TEXT, _apart)


def strings(value: Any) -> Iterator[str]:
    """All texts in a value, bytes as UTF-8."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """What a stream holds."""
    while block := stream.read(_BLOCK):
        yield block


def texts_among(blocks: Iterator[bytes]) -> Iterator[str]:
    """The texts among bytes of any kind, block by block, bytes that are none as white space."""
    decoder = codecs.getincrementaldecoder("utf-8")(_NO_TEXT)
    for block in blocks:
        yield decoder.decode(block)


def by_letters(text: str) -> Iterator[str]:
    """A text in two where bytes that are no text part it: what is ASCII, and what is not, with what stands beside it.

    A text that is ASCII is looked through many times faster, and what stands among bytes is all but that.
    """
    if text.isascii():
        yield text
        return
    stretches = text.split(_APART)
    plain = [stretch.isascii() for stretch in stretches]
    yield _APART.join(stretch if is_plain else "" for stretch, is_plain in zip(stretches, plain, strict=True))
    near = [not all(beside) for beside in pairwise([True, *plain, True])]
    yield _APART.join(
        stretch if here or after else "" for stretch, here, after in zip(stretches, near, near[1:], strict=False)
    )


def before_damage(blocks: Iterator[str | Broken], damage: list[Broken]) -> Iterator[str]:
    """The text; damage is told aside."""
    for block in blocks:
        if isinstance(block, Broken):
            damage.append(block)
            return
        yield block


def inflated(value: Any) -> Any:
    """A value of a database: Dagster packs some of its own."""
    try:
        return zlib.decompress(value) if isinstance(value, bytes) else value
    except zlib.error:
        return value


def as_texts(column: pa.Array) -> pa.Array | None:
    """The texts of a column, of whatever kind it is; None where it can hold none."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_primitive(column.type):
        return None
    return pa.array(["\n".join(strings(value)) for value in column.to_pylist()], pa.string())
