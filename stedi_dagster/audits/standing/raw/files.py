"""Which raw customer files there are, and how many addresses stand in one: counted over its bytes, apart from landing.

A file that landing overlooks, or of which it loses a part, would hide a withdrawal from every table and every audit of
the tables. Whatever this code cannot unpack or decode it does not count: it finds too little rather than too much.
"""

import bz2
import codecs
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import IO

import zstandard

from stedi_dagster.storage import storage_for

_BLOCK = 1 << 20
_MARKERS = ("_", ".")
_AT = "@"
# How often a file may be packed into another.
_PACKED_TIMES = 4
_ENCODINGS = (
    # The longer first: they begin alike.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# RFC 4627, 3: of the first two characters of JSON, which are ASCII, the zeros tell the encoding.
_ZEROS = {"nzzz": "utf-32-le", "zzzn": "utf-32-be", "nznz": "utf-16-le", "znzn": "utf-16-be"}
_DAMAGED = (EOFError, OSError, zlib.error, zstandard.ZstdError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def delivered(landing: str, folder: str) -> set[str]:
    """The paths of all files below a feed's folder but markers.

    Args:
        landing: the landing zone's folder or s3:// URL.
        folder: the feed's, relative to it.

    Raises:
        FileNotFoundError: there is no such folder.
        OSError: it cannot be read.
    """
    root = f"{landing}/{folder}"
    paths: dict[str, str] = {}
    for entry in storage_for(landing).entries(root):
        inner = PurePosixPath(entry.path.removeprefix(f"{root}/"))
        if entry.readable and not _is_marker(inner):
            # Of a file's several names the first in order is read.
            before = paths.setdefault(entry.identity or entry.path, entry.path)
            paths[entry.identity or entry.path] = min(before, entry.path)
    return set(paths.values())


def _is_marker(path: PurePosixPath) -> bool:
    return any(part.startswith(_MARKERS) for part in path.parts)


def addresses_in(stream: IO[bytes]) -> int:
    """How many @ stand in a file, once it is unpacked and decoded.

    Args:
        stream: the file; it can seek.
    """
    return _count(stream, _PACKED_TIMES)


def _count(stream: IO[bytes], packed: int) -> int:
    head = b""
    with suppress(*_DAMAGED):
        head = stream.read(4)
        stream.seek(0)
    if packed and head.startswith(b"PK\x03\x04"):
        return _in_archive(stream, packed - 1)
    if packed and (opened := _opened(stream, head)) is not None:
        # Seeking back in a packed stream reads it anew, which happens once for each layer.
        return _count(opened, packed - 1)
    decoder = codecs.getincrementaldecoder(_encoding_of(head))("replace")
    return sum(decoder.decode(block).count(_AT) for block in _blocks(stream))


def _opened(stream: IO[bytes], head: bytes) -> IO[bytes] | None:
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(stream)  # type: ignore[return-value]
    if head.startswith(b"BZh"):
        return bz2.open(stream)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _Zstd(stream)  # type: ignore[return-value]
    return None


class _Zstd:
    """A zstd stream of several frames, which can be read from its beginning once more."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True, closefd=False)

    def read(self, size: int) -> bytes:
        return self._reader.read(size)

    def seek(self, _start: int) -> None:
        self._stream.seek(0)
        self._reader = zstandard.ZstdDecompressor().stream_reader(self._stream, read_across_frames=True, closefd=False)


def _in_archive(stream: IO[bytes], packed: int) -> int:
    found = 0
    with suppress(*_DAMAGED), zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if not member.is_dir() and not _is_marker(PurePosixPath(member.filename)):
                with suppress(*_DAMAGED), archive.open(member) as inner:
                    found += _count(inner, packed)
    return found


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    with suppress(*_DAMAGED):
        while block := stream.read(_BLOCK):
            yield block


def _encoding_of(head: bytes) -> str:
    for mark, name in _ENCODINGS:
        if head.startswith(mark):
            return name
    return _ZEROS.get("".join("n" if byte else "z" for byte in head), "utf-8")
