"""The texts in what files hold: in their blocks, in values of columns, in records, in what Dagster packs."""

import zlib
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from stedi_dagster.landing.formats import Broken

_BLOCK = 1 << 24


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
