"""Gathers small raw files into a few large ones for the engine, which has a task and several requests for each file.

A line is canonical by itself, and lines of two files never become one: what is canonical in a gathered file is so in
those that it was gathered from.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stedi_dagster.landing.files import RawFile

# Up to so many bytes a file is small, and so many small ones are few, which is not worth it.
_SMALL, _FEW = 1 << 20, 32
# How many are read at once: on S3, each waits for its answers.
_AT_ONCE = 32
# About how many bytes become one file.
_LARGE = 1 << 26


@dataclass(frozen=True)
class Gathered:
    """What the engine may be able to read of some files.

    Attributes:
        groups: small ones that were gathered, by the file that holds them now.
        others: those that it reads as they are.
    """

    groups: Mapping[RawFile, tuple[RawFile, ...]]
    others: tuple[RawFile, ...]


def gather(
    files: Sequence[RawFile],
    read: Callable[[RawFile], bytes],
    write: Callable[[bytes], str],
    looks_well: Callable[[bytes], bool],
) -> Gathered:
    """Gather the small ones among some files, if they are many.

    Args:
        files: the files.
        read: reads one; several are read side by side.
        write: writes one that was gathered, and returns its path.
        looks_well: whether the content of a file may be canonical. What may not, or has changed since it was listed, is
            not for the engine.
    """
    small = [file for file in files if file.size <= _SMALL]
    if len(small) <= _FEW:
        return Gathered({}, tuple(files))
    groups: dict[RawFile, tuple[RawFile, ...]] = {}
    members: list[RawFile] = []
    lines = bytearray()

    def end_group() -> None:
        path = write(bytes(lines))
        groups[RawFile(path, path, len(lines), "")] = tuple(members)
        members.clear()
        lines.clear()

    for file, content in zip(small, _contents(small, read), strict=True):
        if len(content) != file.size or not looks_well(content):
            continue
        members.append(file)
        lines += content if content.endswith(b"\n") else content + b"\n"
        if len(lines) >= _LARGE:
            end_group()
    if members:
        end_group()
    return Gathered(groups, tuple(file for file in files if file.size > _SMALL))


def _contents(files: Sequence[RawFile], read: Callable[[RawFile], bytes]) -> Iterator[bytes]:
    """What is in some files, in their order; no more of it is held than is read at once."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for at in range(0, len(files), _AT_ONCE):
            yield from pool.map(read, files[at : at + _AT_ONCE])
