"""Whose address may be read in a text that is no record, however it is written there.

The rule: whoever's address may be read anywhere in the text, under any spelling that is known here, is meant. Where a
text can be read in several ways, every reading counts: when in doubt, out. A text that was cut within an address names
what is left of it (and whom that means says `cut`). Every step takes time in proportion to the text, whatever is in it.
"""

import base64
import codecs
import html
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote

from stedi_dagster.contracts.base import ADDRESS_KEY
from stedi_dagster.policies.keys import key_of, plain

# How often a text may have been encoded, in whatever ways, and how often packed as base64.
_ROUNDS = 6
_PACKED_TIMES = 4
# What is left of an @ is looked at as a whole, and what follows a sign in so many characters before it.
_NEAR = 320
_READINGS = 24
_IS_ADDRESS = re.compile(ADDRESS_KEY)
# As long as nothing stands there that separates one thing from another, an address may go on. Read backwards.
_STOPS = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\"(),:;<>@\[\]\\{}"
_UP_TO_A_STOP = re.compile(f"[^{_STOPS}]*")
# What stands between an address and what is no part of it, though addresses may have it, too.
_BETWEEN = frozenset("=&?/|#!`'^$%*~")
_BEFORE = "".join(_BETWEEN) + "+-_."
_AFTER = ".-_"
_ENDS = re.compile(r"(?<=[A-Za-z0-9])(?=\.[A-Z])|(?<=[a-z0-9])(?=[A-Z])|[_-]|\.\.")
# There are domains of hearts, and what is invisible is left out; of quotation marks there are none.
_UNQUOTED = ("So", "Cf")
# Between an address and its @: "ann" @ example.com
_AROUND_AT = " \t\xa0\"'\\"

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
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_TOKEN = re.compile(r"[^\s\"<>]+")
# Whatever shows an @, or hides one, has one of these.
_MAY_NAME = re.compile(r"[@%\\&=\x00]|[^\x00-\x7f]|[A-Za-z0-9+/_-]{8}")


class Mention(NamedTuple):
    """Where in a text somebody is named: from `start` up to `end`, and by which keys."""

    start: int
    end: int
    people: frozenset[str]


def addresses_in(text: str) -> set[str]:
    """The keys of all addresses that may be read in a text, with time and space in proportion to its length.

    Read are addresses beside any sign (mailto:, key=value&, quotes, full stops), escaped as JSON, URLs, HTML and
    quoted-printable texts are, and several times so; base64 and hexadecimal, of gzip too; UTF-16 that was read byte by
    byte, or a byte off; Latin-1; full-width.

    Args:
        text: any text; bytes that are no UTF-8 may stand in it as lone surrogates.
    """
    return {address for one in readings(text) for address in written_in(one)}


def mentions(text: str) -> list[Mention]:
    """Where the addresses of `addresses_in` stand, in order.

    A mention is whatever stands between blanks, quotation marks and angle brackets; addresses that can be read only
    across those are mentioned by the whole text.
    """
    found = [
        Mention(token.start(), token.end(), frozenset(people))
        for token in _TOKEN.finditer(text)
        if _MAY_NAME.search(token[0]) and (people := addresses_in(token[0]))
    ]
    missed = addresses_in(text).difference(*(mention.people for mention in found))
    return [Mention(0, len(text), frozenset(missed)), *found] if missed else found


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
    # The higher byte came second where the lower came first: which it was is seen of what has zeros by nothing else.
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


def written_in(text: str) -> Iterator[str]:
    """The keys of the addresses that stand in a text as it is, not decoded."""
    around = {(_before_at(before), _after_at(after)) for before, after in pairwise(text.split("@"))}
    for local, domain in around:
        for one in _locals(local):
            for other in _domains(domain):
                if key := _address(f"{one}@{other}"):
                    yield key


def _before_at(text: str) -> str:
    # Only what is near is reversed where it will do; an address without end is read whole.
    for length in (_NEAR, len(text)):
        backwards = text[-length:].rstrip(_AROUND_AT)[::-1] if length else ""
        found = _UP_TO_A_STOP.match(backwards)
        run = found[0] if found else ""
        if len(run) < len(backwards):
            break
    return run[::-1]


def _after_at(text: str) -> str:
    found = _UP_TO_A_STOP.match(text.lstrip(_AROUND_AT))
    return found[0] if found else ""


def _locals(run: str) -> dict[str, None]:
    """What may be the part before the @: all of it, and what follows each sign in it, the nearest ones."""
    found = {run: None, run.lstrip(_BEFORE): None}
    near = run[-_NEAR:]
    for at in range(len(near) - 1, 0, -1):
        if len(found) > _READINGS:
            break
        if near[at - 1] in _BETWEEN or (not near[at - 1].isascii() and _separates(near[at - 1])):
            found[near[at:]] = None
            found[near[at:].lstrip(_BEFORE)] = None
    return found


def _domains(run: str) -> dict[str, None]:
    """What may be the part after the @."""
    end = next((at for at, sign in enumerate(run) if not _in_domain(sign)), len(run))
    run = run[:end]
    found = {run: None, run.rstrip(_AFTER): None}
    other_script = next((at for at, sign in enumerate(run) if not sign.isascii() and _separates(sign)), len(run))
    found[run[:other_script].rstrip(_AFTER)] = None
    for ending in _ENDS.finditer(run[:_NEAR]):
        if len(found) > _READINGS // 4:
            break
        found[run[: ending.start()].rstrip(_AFTER)] = None
    return found


def locals_before_at(text: str) -> Iterable[str]:
    """What may be the part before the @ that a text stands before."""
    return _locals(_before_at(text))


def _in_domain(sign: str) -> bool:
    return sign in "-_." or sign.isalnum() if sign.isascii() else _kind(sign)[0] in "LMN" or _kind(sign) in _UNQUOTED


def _separates(sign: str) -> bool:
    """Whether an address may begin or end at a sign beyond ASCII: no letter, or of a script without capitals."""
    return _kind(sign) == "Lo" or (_kind(sign)[0] not in "LMN" and _kind(sign) != "Cf")


@lru_cache(1 << 16)
def _kind(sign: str) -> str:
    import unicodedata2

    category: str = unicodedata2.category(sign)
    return category


def _address(text: str) -> str | None:
    key = key_of(text)
    return key if _IS_ADDRESS.search(key) and not _SURROGATE.search(key) else None
