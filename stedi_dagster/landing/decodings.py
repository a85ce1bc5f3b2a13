"""What a text says once it is decoded, in whatever ways it was encoded. Where it can be read in several, all count.

Every step takes time in proportion to the text, whatever is in it.
"""

import base64
import codecs
import html
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import unquote

from stedi_dagster.keys import plain

# How often a text may have been encoded, in whatever ways, and how often packed as base64.
_ROUNDS = 6
_PACKED_TIMES = 4

# A run of backslashes is taken whole, with what it escapes: looked at from each of them it would be quadratic.
_ESCAPE = re.compile(
    r"\\+(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{3}|[nrtbfv0])?"
)
_CONTROLS = dict(zip("nrtbfv0", "\n\r\t\b\f\v\0", strict=True))
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ENTITY = re.compile(r"&(?:#[xX]?[0-9a-fA-F]{1,12}|[A-Za-z][A-Za-z0-9]{1,30});?")
_PRINTABLE = re.compile(r"(?:=[0-9A-Fa-f]{2})+")
_SOFT_END = re.compile(r"=\r?\n")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}(?:(?:\\[rn]|[\r\n])+[A-Za-z0-9+/_-]+)*")
_LINE_ENDS = re.compile(r"(?:\\[rn]|[\r\n])+")
_CONTROL_SIGNS = dict.fromkeys([*range(0x09), *range(0x0E, 0x20), 0x7F])
# Two letters of ASCII each, or one and a zero.
_PAIR_SIGNS = "".join(f"{chr(high << 8)}{chr(high << 8 | 0x20)}-{chr(high << 8 | 0x7E)}" for high in range(0x20, 0x7F))
_PAIRS = re.compile(f"[{_PAIR_SIGNS}]{{8,}}")
_UNIT_IN_URL = re.compile("%[uU]([0-9a-fA-F]{4})")
_TAG = re.compile(r"</?[A-Za-z][^<>@]{0,100}>")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_GZIP = b"\x1f\x8b\x08"
# So many times as long a text may be as its gzip; what is longer is made to hang whoever reads it.
_LONGEST_UNPACKED = 64
_URL_SAFE = str.maketrans("-_", "+/")
_UNDECODED = re.compile("[\udc80-\udcff]")


def readings(text: str) -> Iterator[str]:
    """The text, and what it says once it is decoded, step by step, each only where it says something else."""
    yield from _readings(text, _PACKED_TIMES)


def _readings(text: str, packed: int) -> Iterator[str]:
    yield text
    current = text
    for _ in range(_ROUNDS):
        before = current
        for decode in _DECODERS:
            decoded = decode(current)
            if decoded != current:
                current = decoded
                yield current
        if current == before:
            break
    if "+" in current and "=" in current:
        yield current.replace("+", " ")
    if packed:
        for one in {text: None, current: None}:
            for unpacked in _unpacked(one):
                yield from _readings(unpacked, packed - 1)


def _without_controls(text: str) -> str:
    """Signs that nobody sees; among them the zeros of UTF-16 and UTF-32 that were read byte by byte."""
    return text.translate(_CONTROL_SIGNS)


def _in_pairs(text: str) -> str:
    """What is left of UTF-16 behind a byte that is missing or too many, and bytes that were read as UTF-16."""
    return _PAIRS.sub(_apart, text)


def _apart(run: re.Match[str]) -> str:
    octets = run[0].encode("utf-16-be")
    # Without zeros nothing tells which of two bytes came first: both orders are read.
    if 0 not in octets:
        octets = b" ".join((octets, run[0].encode("utf-16-le")))
    return f" {octets.decode('ascii', 'replace')} ".replace("\0", "")


def _in_latin(text: str) -> str:
    """Bytes that are no UTF-8, as the letters that they are in Latin-1."""
    return _UNDECODED.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text) if _UNDECODED.search(text) else text


def unescaped(text: str) -> str:
    """A text with what JSON and programming languages escape as itself, however often it was escaped."""
    if "\\" not in text:
        return text
    # Letters beyond the first 65,536 are escaped as two.
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), _ESCAPE.sub(_meant, text))


def _meant(escape: re.Match[str]) -> str:
    code = escape[0].lstrip("\\")
    if not code:
        return ""
    if code in _CONTROLS:
        return _CONTROLS[code]
    number = int(code, 8) if code.isdecimal() else int(code[1:].strip("{}"), 16)
    return chr(number) if number <= sys.maxunicode else ""


def _from_url(text: str) -> str:
    return unquote(_UNIT_IN_URL.sub(r"\\u\1", text), errors="replace") if "%" in text else text


def _from_html(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


def _without_tags(text: str) -> str:
    return _TAG.sub("", text) if "<" in text else text


def _from_mail(text: str) -> str:
    """Quoted-printable."""
    return _PRINTABLE.sub(_printed, _SOFT_END.sub("", text)) if "=" in text else text


def _printed(signs: re.Match[str]) -> str:
    return bytes.fromhex(signs[0].replace("=", "")).decode("utf-8", "replace")


_DECODERS: tuple[Callable[[str], str], ...] = (
    _without_controls,
    _in_pairs,
    _in_latin,
    plain,
    unescaped,
    _from_url,
    _from_html,
    _without_tags,
    _from_mail,
)


def _unpacked(text: str) -> Iterator[str]:
    """The texts that stand in base64 in a text, whole, and line by line."""
    for run in _BASE64.finditer(text):
        first, *lines = _LINE_ENDS.split(run[0])
        # What stands before it may be of the same letters: it begins at one of four places.
        places = [("".join([first, *lines]), start) for start in range(4)]
        for line, start in places + [(line, 0) for line in (first, *lines) if lines]:
            letters = line.translate(_URL_SAFE)
            whole = letters[start : start + (len(letters) - start) // 4 * 4]
            rest = letters[start + len(whole) :]
            packed = whole + (rest + "=" * (4 - len(rest)) if len(rest) > 1 else "")
            if (found := _as_text(base64.b64decode(packed))) is not None:
                yield found
    for run in _HEX.finditer(text):
        if (found := _as_text(bytes.fromhex(run[0]))) is not None:
            yield found


def _as_text(content: bytes) -> str | None:
    """What was packed, if it is a text that may name somebody."""
    if content.startswith(_GZIP):
        with suppress(zlib.error):
            content = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, _LONGEST_UNPACKED * len(content))
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return content.decode("utf-16", "replace")
    text = content.decode("utf-8", "surrogateescape")
    # Any bytes are some text: one in ten that are none, and it is a picture, unless every other is a NUL of UTF-16.
    is_text = len(_UNDECODED.findall(text)) * 10 <= len(text) or content.count(0) * 3 > len(content)
    return text if is_text else None
