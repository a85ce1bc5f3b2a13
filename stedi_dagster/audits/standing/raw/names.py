"""Which of the people who are known stand in a raw text: looked for by code that the pipeline has no part in.

The pipeline reads addresses out of a text; here, each known address is looked for in it, in many decodings at once, so
that what blinds the one does not blind the other. Every step takes time in proportion to the text.
"""

import base64
import html
import re
import sys
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

# How often one text may have been escaped, and how often packed.
_ESCAPED_TIMES = 8
_PACKED_TIMES = 2
_CODE = re.compile(
    r"(?P<bytes>(?:%[0-9a-f]{2})+)|\\++(?:u\{(?P<point>[0-9a-f]{1,6})\}|x(?P<hex>[0-9a-f]{2})|(?P<octal>[0-7]{3}))"
    r"|\\++(?P<control>[nrtbfv0])?|(?P<entity>&\#?[0-9a-z]{1,31};?)",
    re.IGNORECASE,
)
# From each backslash of a run it would be quadratic.
_UNIT = re.compile(r"(?:(?<!\\)\\++|%)u([0-9a-f]{4})", re.IGNORECASE)
_UNSEEN = dict.fromkeys([*range(0x09), *range(0x0E, 0x20), 0x7F])
_MARKUP = re.compile(r"</?[a-z][^<>@]{0,100}>", re.IGNORECASE)
_OCTETS = re.compile(r"(?:[0-9a-f]{2}){8,}", re.IGNORECASE)
_WIDE = re.compile("[\u2000-\u7e7e]{8,}")
# So many times as long as its gzip a text may be.
_UNZIPPED = 64
_MAIL = re.compile(r"(?:=[0-9A-Fa-f]{2})+")
_MAIL_END = re.compile(r"=\r?\n")
_UNDECODED = re.compile("[\udc80-\udcff]")
_LINE_ENDS = re.compile(r"(?:\\[rn]|[\r\n])+")
_LETTERS = re.compile(r"[A-Za-z0-9+/_-]{8,}(?:(?:\\[rn]|[\r\n])+[A-Za-z0-9+/_-]+)*")
_PLAIN = str.maketrans("-_", "+/")
_AROUND_AT = re.compile(r"""(?<![\s"'\\])[\s"'\\]*+@[\s"'\\]*+""")
_NEXT_WORD = re.compile(r"(?<=[a-z0-9])\.?(?=[A-Z])")
# What Unicode has programs ignore (DerivedCoreProperties, Default_Ignorable_Code_Point), and the blank of Braille.
_UNSEEN_BEYOND = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_AROUND = (
    " \t\r\n\f\v\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# They join on to an address; at its ends they may as well be punctuation.
_JOINING = frozenset(".+-_")


class Known:
    """The people who are known, to be looked for in texts."""

    def __init__(self, people: Iterable[str]) -> None:
        """Prepare for people given by their keys."""
        self._people: dict[str, dict[str, str]] = {}
        for key in people:
            local, _, domain = key.rpartition("@")
            for one in {domain, _in_letters(domain)}:
                self._people.setdefault(_folded(one), {})[_folded(local)] = key
        self._domains = sorted(self._people)
        self._domain_lengths = sorted({len(domain) for domain in self._people})
        self._local_lengths = sorted({len(local) for locals_ in self._people.values() for local in locals_})

    def whose(self, address: str) -> str | None:
        """The key of the person whose address this is, however it is written."""
        local, _, domain = address.strip(_AROUND).rpartition("@")
        return self._people.get(_folded(domain), {}).get(_folded(local))

    def named_in(self, text: str) -> set[str]:
        """The keys of those whose address may stand in a text, and of those whose address begins as its end does.

        Args:
            text: any text; bytes that are no UTF-8 may stand in it as lone surrogates.
        """
        if not self._people:
            return set()
        found: set[str] = set()
        for said in _decodings(text, _PACKED_TIMES):
            if "@" in said:
                # In a form a blank is a plus.
                blanks = said.replace("+", " ") if "=" in said else said
                for one in {said, blanks, _AROUND_AT.sub("@", blanks)}:
                    for apart in {one, _NEXT_WORD.sub(" ", one)}:
                        found |= self._standing_in(_folded(apart))
        return found

    def _standing_in(self, text: str) -> set[str]:
        found: set[str] = set()
        at = text.find("@")
        while at >= 0:
            for domain in self._domains_at(text, at + 1):
                locals_ = self._people[domain]
                found |= {locals_[local] for local in self._locals_before(text, at) if local in locals_}
            at = text.find("@", at + 1)
        return found

    def _domains_at(self, text: str, start: int) -> Iterator[str]:
        longest = text[start : start + self._domain_lengths[-1] + 1]
        for length in self._domain_lengths:
            domain = longest[:length]
            if len(domain) == length and domain in self._people and _ends(text, start + length):
                yield domain
        if len(longest) <= self._domain_lengths[-1] and "@" not in longest:
            # The text was cut within an address, or so it may be.
            begun = longest.rstrip()
            for domain in islice(self._domains, bisect_left(self._domains, begun), None):
                if not domain.startswith(begun):
                    break
                yield domain

    def _locals_before(self, text: str, at: int) -> Iterator[str]:
        for length in self._local_lengths:
            if length <= at and _begins(text, at - length):
                yield text[at - length : at]


def _folded(text: str) -> str:
    return text.casefold() if text.isascii() else _plain(text).casefold().replace("i\u0307", "i")


def _plain(text: str) -> str:
    """A text in compatibility forms, without what nobody sees."""
    if text.isascii():
        return text
    import unicodedata2  # only for texts beyond ASCII

    forms = unicodedata2.normalize("NFKC", text)
    return "".join(one for one in forms if not _UNSEEN_BEYOND.match(one) and unicodedata2.category(one) != "Cf")


def _in_letters(domain: str) -> str:
    """A domain with its own letters for Punycode."""
    labels = domain.split(".")
    try:
        return ".".join(
            label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else label
            for label in labels
        )
    except UnicodeError:
        return domain


def _begins(text: str, start: int) -> bool:
    """Whether an address may begin there: behind nothing that is part of one, or behind punctuation."""
    while start and text[start - 1] in _JOINING:
        start -= 1
    return start == 0 or not _is_letter(text[start - 1])


def _ends(text: str, end: int) -> bool:
    if end < len(text) and text[end] in "-_":
        return True
    while end < len(text) and text[end] in _JOINING:
        end += 1
    return end == len(text) or not _is_letter(text[end])


def _is_letter(sign: str) -> bool:
    """Whether it joins on to an address; letters of a script without capitals are others' words."""
    return sign.isalnum() and (sign.isascii() or sign.lower() != sign.upper() or not sign.isalpha())


def _decodings(text: str, packed: int) -> Iterator[str]:
    """A text, and all that it says once it is decoded."""
    seen, last = {text}, {text}
    # Bytes that are no UTF-8 are letters of Latin-1, or the mark before UTF-16.
    for begin in {text, _from_mail(text), _UNDECODED.sub(" ", text)}:
        current = begin
        for _ in range(_ESCAPED_TIMES):
            seen.add(current)
            decoded = _decoded(current)
            if decoded == current:
                break
            current = decoded
        seen.add(_from_mail(current))
        last.add(current)
    yield from seen
    if packed:
        for one in last:
            for unpacked in _unpacked(one):
                yield from _decodings(unpacked, packed - 1)


def _decoded(text: str) -> str:
    said = _UNDECODED.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text.translate(_UNSEEN))
    said = _WIDE.sub(_narrow, _MARKUP.sub("", said))
    said = _UNIT.sub(lambda unit: chr(int(unit[1], 16)), _plain(said))
    return _CODE.sub(_meant, said.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _narrow(run: re.Match[str]) -> str:
    """Signs of two bytes as the bytes, in either order: a byte was lost before them, or they never were UTF-16."""
    both = (run[0].encode(order).decode("latin-1").replace("\0", "") for order in ("utf-16-be", "utf-16-le"))
    return f" {' '.join(both)} "


def _meant(code: re.Match[str]) -> str:
    if code["bytes"]:
        return bytes.fromhex(code["bytes"].replace("%", "")).decode("utf-8", "replace")
    if code["entity"]:
        return html.unescape(code["entity"])
    if code["control"]:
        return " "
    number = int(code["octal"], 8) if code["octal"] else int(code["hex"] or code["point"] or "0", 16)
    return chr(number) if 0 < number <= sys.maxunicode else ""


def _from_mail(text: str) -> str:
    """Quoted-printable."""
    return _MAIL.sub(
        lambda signs: bytes.fromhex(signs[0].replace("=", "")).decode("utf-8", "replace"), _MAIL_END.sub("", text)
    )


def _unpacked(text: str) -> Iterator[str]:
    """What stands in base64, whole and line by line; before it may stand letters of the same kind."""
    for run in _LETTERS.finditer(text):
        lines = _LINE_ENDS.split(run[0])
        whole = "".join(lines)
        for packed in (*(whole[start:] for start in range(4)), *(lines if len(lines) > 1 else ())):
            letters = packed[: len(packed) - (len(packed) % 4 == 1)].translate(_PLAIN)
            yield _text_of(base64.b64decode(letters + "=" * (-len(letters) % 4)))
    yield from (_text_of(bytes.fromhex(run[0])) for run in _OCTETS.finditer(text))


def _text_of(octets: bytes) -> str:
    if octets.startswith(b"\x1f\x8b"):
        with suppress(zlib.error):
            octets = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(octets, _UNZIPPED * len(octets))
    marked = octets.startswith((b"\xff\xfe", b"\xfe\xff"))
    return octets.decode("utf-16", "replace") if marked else octets.decode("utf-8", "surrogateescape")
