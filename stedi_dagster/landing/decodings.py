"""Decodes a text in all the ways in which it may have been encoded; if several apply, every reading counts.

Every step takes time proportional to the text, whatever is in it. The encodings of whole files are in `formats`.
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

# How often a text may have been encoded, in any way, and how often packed as base64 or hexadecimal.
_ROUNDS = 6
_PACKED_TIMES = 4

# A run of backslashes is matched as a whole, with what it escapes: starting at each of them would be quadratic.
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
_CONTROL_CHARACTERS = dict.fromkeys([*range(0x09), *range(0x0E, 0x20), 0x7F])
# Each is two ASCII letters, or one and a zero.
_PAIRED = "".join(f"{chr(high << 8)}{chr(high << 8 | 0x20)}-{chr(high << 8 | 0x7E)}" for high in range(0x20, 0x7F))
_PAIRS = re.compile(f"[{_PAIRED}]{{8,}}")
_UNIT_IN_URL = re.compile("%[uU]([0-9a-fA-F]{4})")
_TAG = re.compile(r"</?[A-Za-z][^<>@]{0,100}>")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_GZIP = b"\x1f\x8b\x08"
# How many times longer a text may be than its gzip; anything longer is meant to hang its reader.
_LONGEST_UNPACKED = 64
_URL_SAFE = str.maketrans("-_", "+/")
_UNDECODED = re.compile("[\udc80-\udcff]")


def readings(text: str) -> Iterator[str]:
    """The text, then its decoded forms step by step, each only if it differs."""
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
        for candidate in {text: None, current: None}:
            for unpacked in _unpacked(candidate):
                yield from _readings(unpacked, packed - 1)


def _without_controls(text: str) -> str:
    """Remove invisible characters, including the zeros of UTF-16 and UTF-32 that were read byte by byte."""
    return text.translate(_CONTROL_CHARACTERS)


def _split_pairs(text: str) -> str:
    """Read UTF-16 after a missing or surplus byte, and bytes that were read as UTF-16."""
    return _PAIRS.sub(_both_bytes, text)


def _both_bytes(run: re.Match[str]) -> str:
    octets = run[0].encode("utf-16-be")
    # Without zeros nothing reveals which of two bytes came first: both orders are read.
    if 0 not in octets:
        octets = b" ".join((octets, run[0].encode("utf-16-le")))
    return f" {octets.decode('ascii', 'replace')} ".replace("\0", "")


def _from_latin(text: str) -> str:
    """Read bytes that are not UTF-8 as Latin-1."""
    return _UNDECODED.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text) if _UNDECODED.search(text) else text


def unescaped(text: str) -> str:
    """A text without the escapes of JSON and programming languages, however often it was escaped."""
    if "\\" not in text:
        return text
    # Characters beyond the first 65,536 are escaped as two.
    text = _ESCAPE.sub(_unescape, text)
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def _unescape(escape: re.Match[str]) -> str:
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
    """Decode quoted-printable."""
    return _PRINTABLE.sub(_from_printable, _SOFT_END.sub("", text)) if "=" in text else text


def _from_printable(octets: re.Match[str]) -> str:
    return bytes.fromhex(octets[0].replace("=", "")).decode("utf-8", "replace")


_DECODERS: tuple[Callable[[str], str], ...] = (
    _without_controls,
    _split_pairs,
    _from_latin,
    plain,
    unescaped,
    _from_url,
    _from_html,
    _without_tags,
    _from_mail,
)


def _unpacked(text: str) -> Iterator[str]:
    """The texts that a text contains as base64, read as a whole and line by line, or as hexadecimal."""
    for run in _BASE64.finditer(text):
        first, *lines = _LINE_ENDS.split(run[0])
        # The characters before it may look like base64, too: it begins at one of four places.
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
    """The packed content, if it is a text that may name somebody."""
    if content.startswith(_GZIP):
        with suppress(zlib.error):
            content = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, _LONGEST_UNPACKED * len(content))
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return content.decode("utf-16", "replace")
    text = content.decode("utf-8", "surrogateescape")
    # If more than one byte in ten is not text, this is a picture or the like, unless the zeros are those of UTF-16.
    is_text = len(_UNDECODED.findall(text)) * 10 <= len(text) or content.count(0) * 3 > len(content)
    return text if is_text else None
