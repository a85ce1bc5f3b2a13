"""Cutting what is somebody's out of a text that is no record, and holds several: the objects and lines that are theirs.

What stands there of others stays byte for byte. Whether what is left is still read as it was is for the caller to see.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from stedi_dagster.landing.decodings import unescaped
from stedi_dagster.landing.documents.document import object_of

_BRACKET = re.compile(r"[{}]")
# So deep a record may be; decoding every object of a deeper text would not be linear.
_DEEPEST = 8
_LONGEST = 1 << 16
_BLANK = " \t\r\n"
_COMMA = re.compile(rf"[{_BLANK}]*+,[ \t]*+")
_LINE_END = re.compile(r"((?:\\n|[\n\r\x1e])+)")
# How far before an object its comma or its key is looked for.
_NEAR = 64

IsTheirs = Callable[[Any, str], bool]


def without_objects(text: str, is_theirs: IsTheirs) -> str:
    """The text without the JSON objects in it that are somebody's.

    Args:
        text: any text.
        is_theirs: of what was decoded of an object (None where it could not be), and of its text.
    """
    kept, end = "", 0
    for start, stop in _outermost(_theirs(text, is_theirs)):
        kept += text[end:start]
        end = stop
        before = kept[-_NEAR:].rstrip(_BLANK)[-1:]
        if before == ":":
            kept += "null"
        elif comma := _COMMA.match(text, stop):
            end = comma.end()
        elif before == ",":
            kept = kept[: kept.rindex(",")]
    return kept + text[end:]


def without_lines(text: str, is_theirs: Callable[[str], bool]) -> str:
    """The text without the lines that are somebody's; all of it where an object goes over several lines."""
    parts = [*_LINE_END.split(text), ""]
    lines = list(zip(parts[::2], parts[1::2], strict=True))
    if any(line.count("{") != line.count("}") for line, _ in lines):
        return text
    return "".join(line + end for line, end in lines if not is_theirs(line))


def only_others(text: str, is_others: IsTheirs, is_theirs: Callable[[str], bool]) -> str:
    """The text without what is somebody's between the objects in it that are others': theirs may have lost its end."""
    kept, end = "", 0
    for start, stop in [*_outermost(_theirs(text, is_others)), (len(text), len(text))]:
        between = text[end:start]
        kept += ("" if is_theirs(between) else between) + text[start:stop]
        end = stop
    return kept


def _theirs(text: str, is_theirs: IsTheirs) -> Iterator[tuple[int, int]]:
    # A key that is there twice must be seen to be.
    decode = json.JSONDecoder(object_pairs_hook=object_of).raw_decode
    opened: list[tuple[int, int]] = []
    for bracket in _BRACKET.finditer(text):
        at = bracket.start()
        if bracket[0] == "{":
            opened.append((at, 0))
            continue
        if not opened:
            continue
        start, height = opened.pop()
        if opened:
            outer, highest = opened[-1]
            opened[-1] = (outer, max(highest, height + 1))
        if height < _DEEPEST and at - start < _LONGEST:
            part = text[start : at + 1]
            if is_theirs(_decoded(decode, part, is_innermost=height == 0), part if height == 0 else ""):
                yield start, at + 1


def _decoded(decode: Callable[[str], tuple[Any, int]], part: str, *, is_innermost: bool) -> Any:
    for one in (part, unescaped(part)) if is_innermost and "\\" in part else (part,):
        try:
            value, end = decode(one)
        except (ValueError, RecursionError):
            continue
        if end == len(one):
            return value
    return None


def _outermost(found: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of places within each other those around the others."""
    outermost: list[tuple[int, int]] = []
    for start, stop in found:  # in the order of their ends
        while outermost and outermost[-1][0] > start:
            outermost.pop()
        outermost.append((start, stop))
    return outermost
