"""Unpacks gzip, bzip2, zstd and zip block by block, and packs them again.

A block holds at most a few megabytes, however much a few packed bytes unpack to.
"""

import bz2
import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO, Any

import zstandard

BLOCK = 1 << 22
# No data is so repetitive: a file that exceeds both is meant to exhaust memory.
_MUCH = 1 << 28
_HIGHEST_RATIO = 200
# Packed bytes at a time: zstd unpacks four of them to a block of 128 KiB, and a piece that fails is lost as a whole.
_SMALL_PIECE = 1 << 11
_PIECE = 1 << 16

GZIP, BZIP2, ZSTD, ZIP = "gzip", "bzip2", "zstd", "zip"
_MAGIC = {GZIP: b"\x1f\x8b", BZIP2: b"BZh", ZSTD: b"\x28\xb5\x2f\xfd", ZIP: b"PK"}
_ERRORS = (zlib.error, OSError, EOFError, zstandard.ZstdError)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
DAMAGED = "packed file is damaged or cut short"
TOO_DENSE = f"packed file unpacks to more than {_HIGHEST_RATIO} times its size"
ENCRYPTED = "packed file is encrypted"


class PackedError(Exception):
    """Why the rest of a packed file cannot be read; never leaves this package."""


def packing_of(head: bytes) -> str | None:
    """How a file with these first bytes is packed."""
    for name, magic in _MAGIC.items():
        if head.startswith(_ZIP if name == ZIP else magic):
            # Text may begin with bzip2's three letters, too: the next one is the size, the six bytes after it are pi.
            return None if name == BZIP2 and not (head[3:4].isdigit() and head[4:10] in _BZIP2_NEXT) else name
    return None


_BZIP2_NEXT = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")


def unpack(name: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of packed blocks, one member after the other; zeros after the last one are padding.

    Raises:
        PackedError: they are damaged, or unpack to far too much; what came before has been yielded.
    """
    pieces = _Pieces(blocks, _PIECE if name == GZIP else _SMALL_PIECE)
    yielded, first = 0, True
    while first or pieces.has_more():
        first = False
        for block in _member(name, pieces):
            yield block
            yielded += len(block)
            if yielded > _MUCH and yielded > _HIGHEST_RATIO * pieces.taken:
                raise PackedError(TOO_DENSE)


def members(stream: IO[bytes]) -> Iterator[Iterator[bytes]]:
    """The files in a zip file, each in blocks; names that begin with _ or . are markers, which are skipped.

    Raises:
        PackedError: as `unpack`, of the archive or within a member.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            for info in archive.infolist():
                if not info.is_dir() and not any(part.startswith(("_", ".")) for part in info.filename.split("/")):
                    yield _zip_member(archive, info)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise PackedError(DAMAGED) from None


def names(stream: IO[bytes]) -> list[str]:
    """The names of the files in a zip file; none if it is damaged."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return []


@contextmanager
def packing(name: str, target: Any) -> Iterator[Any]:
    """Yield a stream that packs what is written to it into the target, which stays open."""
    if name == GZIP:
        with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as stream:
            yield stream
    elif name == BZIP2:
        with bz2.BZ2File(target, "wb") as stream:
            yield stream
    elif name == ZSTD:
        with zstandard.ZstdCompressor().stream_writer(target, closefd=False) as stream:
            yield stream
    else:
        # A neutral name: those of the original members may have named somebody.
        info = zipfile.ZipInfo("records.json")
        info.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(target, "w") as archive, archive.open(info, "w", force_zip64=True) as stream:
            yield stream


class _Pieces:
    """Packed bytes in pieces of a fixed size; what one member does not take is left for the next one."""

    def __init__(self, blocks: Iterator[bytes], size: int) -> None:
        self._pieces = (block[at : at + size] for block in blocks for at in range(0, len(block), size))
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += len(piece)
            yield piece

    def put_back(self, rest: bytes) -> None:
        if rest:
            self.taken -= len(rest)
            self._pieces = _chained(rest, self._pieces)

    def has_more(self) -> bool:
        """Whether anything but zeros follows; drops the zeros."""
        for piece in self._pieces:
            self.taken += len(piece)
            if rest := piece.lstrip(b"\x00"):
                self.put_back(rest)
                return True
        return False


def _chained(rest: bytes, pieces: Iterator[bytes]) -> Any:
    return chain((rest,), pieces)


def _member(name: str, pieces: _Pieces) -> Iterator[bytes]:
    unpacker = _UNPACKERS[name]()
    for piece in pieces:
        # An error discards all that was unpacked from the same piece, which is then unpacked byte by byte.
        before = unpacker.copy() if name == GZIP else None
        yielded = 0
        try:
            for block in _blocks(name, unpacker, piece):
                yielded += len(block)
                yield block
        except _ERRORS:
            if before is not None:
                yield from _before_damage(before, piece, yielded)
            raise PackedError(DAMAGED) from None
        if unpacker.eof:
            pieces.put_back(unpacker.unused_data)
            return
    raise PackedError(DAMAGED)


def _blocks(name: str, unpacker: Any, packed: bytes) -> Iterator[bytes]:
    """The content of a piece, in blocks no longer than `BLOCK` (for zstd, in one block)."""
    if name == ZSTD:
        yield unpacker.decompress(packed)
        return
    while True:
        block = unpacker.decompress(packed, BLOCK)
        yield block
        packed = unpacker.unconsumed_tail if name == GZIP else b""
        if unpacker.eof or not (packed or len(block) == BLOCK):
            return


def _before_damage(unpacker: Any, packed: bytes, yielded: int) -> Iterator[bytes]:
    """The content of a piece of a gzip file before its damage, without the bytes that were yielded already."""
    try:
        for byte in packed:
            block = unpacker.decompress(bytes((byte,)))
            yield block[yielded:]
            yielded = max(0, yielded - len(block))
    except zlib.error:
        return


_UNPACKERS: dict[str, Callable[[], Any]] = {
    GZIP: lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS),
    BZIP2: bz2.BZ2Decompressor,
    ZSTD: lambda: zstandard.ZstdDecompressor().decompressobj(),
}


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    if info.flag_bits & 1:
        raise PackedError(ENCRYPTED)
    yielded = 0
    try:
        with archive.open(info) as stream:
            # One read at a time: a longer one would lose what comes before damage.
            member: Any = stream
            while block := member.read1(BLOCK):
                yield block
                yielded += len(block)
                if yielded > _MUCH and yielded > _HIGHEST_RATIO * max(info.compress_size, 1):
                    raise PackedError(TOO_DENSE)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError):
        raise PackedError(DAMAGED) from None
