"""Recognises people and devices across feeds that spell them differently, by one canonical key for each.

`key_of` makes the key, in Python and with a Unicode version of our own; landing stores non-ASCII values by their key.
Engines and SQL (`matching_key`) only do what all of them do alike: trim and lower-case ASCII.
"""

import re
from functools import lru_cache

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

# Spelled out because engines differ in what `trim` regards as white space.
_ASCII_WHITE_SPACE = " \t\r\n\f\x0b"
_WHITE_SPACE = (
    _ASCII_WHITE_SPACE + "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
# Invisible, although not of category Cf: joiners and fillers of scripts, and variation selectors.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
# Letters that IDNA distinguishes and case folding does not. The dotted İ becomes an i.
_ALSO_FOLDED = (("\u00df", "ss"), ("\u03c2", "\u03c3"), ("i\u0307", "i"))
_LONGEST_DOMAIN = 255
# A key is recomputed until it no longer changes; no known text takes more than three rounds.
_MOST_ROUNDS = 6
_REMEMBERED, _SHORT = 1 << 16, 1 << 8
# Most of a text stays as it is: whole files are asked for, and each letter by itself would take long.
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_MAPPED = re.compile(r"[A-Z]+|[^\x00-\x7f]+")


def matching_key(column: str) -> Column:
    """The key of a landed address or serial number: equal keys mean the same person or device."""
    text = F.col(column)
    # Non-ASCII values are stored by their key, which must stay as it is: engines differ in their Unicode.
    is_ascii = F.octet_length(text) == F.char_length(text)
    return F.when(is_ascii, F.lower(F.btrim(text, F.lit(_ASCII_WHITE_SPACE)))).otherwise(text)


def with_keys(frame: DataFrame, *columns: str) -> DataFrame:
    """The frame with the named columns replaced by their matching keys."""
    return frame.withColumns({column: matching_key(column) for column in columns})


def key_of(text: str) -> str:
    """The canonical key of an address, a serial number or any other value.

    ASCII is trimmed and lower-cased. For anything else, compatibility forms are normalised (NFKC), invisible characters
    removed, capitals folded, and the domain of an address converted to the form used by the domain name system (IDNA).
    """
    return text.strip(_ASCII_WHITE_SPACE).lower() if text.isascii() else _key_beyond_ascii(text)


def stored(text: str) -> str:
    """The form in which landing stores a value: as delivered if it is ASCII, otherwise its key."""
    return text if text.isascii() else key_of(text)


def plain(text: str) -> str:
    """A text in plain characters: compatibility forms normalised (NFKC), invisible ones removed."""
    if text.isascii():
        return text
    import unicodedata2  # not every run needs it; pins our own Unicode version

    return _NOT_ASCII.sub(_visible, unicodedata2.normalize("NFKC", text))


def _visible(letters: re.Match[str]) -> str:
    return "".join([letter for letter in letters[0] if not _is_invisible(letter)])


def _key_beyond_ascii(text: str) -> str:
    # Whole files are asked for, too.
    return _remembered(text) if len(text) <= _SHORT else _settled(text)


def _settled(text: str) -> str:
    for _ in range(_MOST_ROUNDS):
        before, text = text, _fold(text)
        if text == before:
            break
    return text


_remembered = lru_cache(_REMEMBERED)(_settled)


def _fold(text: str) -> str:
    local, at, domain = plain(text).strip(_WHITE_SPACE).rpartition("@")
    folded = _mapped(local if at else domain)
    for letter, plain_letter in _ALSO_FOLDED:
        folded = folded.replace(letter, plain_letter)
    return plain(f"{folded}@{_idna_domain(domain)}" if at else folded).strip(_WHITE_SPACE)


def _idna_domain(domain: str) -> str:
    """A domain in the domain name system's form: non-ASCII labels in Punycode, even if they cannot be registered."""
    mapped = plain(_mapped(domain))
    if mapped.isascii() or len(mapped) > _LONGEST_DOMAIN:
        return mapped
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in mapped.split(".")
    )


def _mapped(text: str) -> str:
    """A text as mapped by UTS 46: lower-case and plain; letters that it forbids are kept."""
    return _MAPPED.sub(_map_letters, text)


def _map_letters(letters: re.Match[str]) -> str:
    return letters[0].lower() if letters[0].isascii() else "".join(map(_map_letter, letters[0]))


@lru_cache(_REMEMBERED)
def _map_letter(letter: str) -> str:
    """A letter that is not ASCII."""
    import idna

    try:
        return idna.uts46_remap(letter, std3_rules=False)
    except idna.IDNAError:
        return letter


@lru_cache(_REMEMBERED)
def _is_invisible(letter: str) -> bool:
    import unicodedata2

    category: str = unicodedata2.category(letter)
    return category == "Cf" or letter in _INVISIBLE
