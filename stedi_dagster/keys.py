"""How people and devices are recognised across feeds that write them differently: one canonical key for each.

`key_of` makes it, in Python and by a Unicode version of ours, and landing stores what is not ASCII by its key. What is
left for engines and for SQL (`matching_key`) is what all of them do alike: to trim and to lower-case ASCII.
"""

from functools import lru_cache

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

# Spelled out because engines differ in what `trim` takes for white space.
_ASCII_WHITE_SPACE = " \t\r\n\f\x0b"
_WHITE_SPACE = (
    _ASCII_WHITE_SPACE + "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
# Nothing to see, and none of category Cf: joiners and fillers of scripts, and what selects a variant of a letter.
_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
# What IDNA keeps apart and the folding of small and capital letters does not. The dotted İ is an i.
_ALSO_FOLDED = str.maketrans({"\u00df": "ss", "\u03c2": "\u03c3"})
_DOTTED_I = "i\u0307"
_LONGEST_DOMAIN = 255
# A key is made anew until it stays the same; nothing known takes more than three times.
_TIMES = 6
_REMEMBERED = 1 << 16


def matching_key(column: str) -> Column:
    """A landed address or serial number as a key: two that are equal stand for one person or device."""
    text = F.col(column)
    # What is not ASCII was stored by its key, which nothing here may touch: engines know Unicode differently.
    is_ascii = F.octet_length(text) == F.char_length(text)
    return F.when(is_ascii, F.lower(F.btrim(text, F.lit(_ASCII_WHITE_SPACE)))).otherwise(text)


def with_keys(frame: DataFrame, *columns: str) -> DataFrame:
    """The frame with the named columns replaced by their matching keys."""
    return frame.withColumns({column: matching_key(column) for column in columns})


def key_of(text: str) -> str:
    """The canonical key of an address, a serial number or any other value.

    ASCII is trimmed and lower-cased. Of anything else, compatibility forms are made plain (NFKC), invisible characters
    are left out, capitals are folded, and the domain of an address is what the domain name system knows (IDNA).
    """
    return text.strip(_ASCII_WHITE_SPACE).lower() if text.isascii() else _key_beyond_ascii(text)


def stored(text: str) -> str:
    """A value as landing keeps it: as it was delivered where that is ASCII, else by its key."""
    return text if text.isascii() else key_of(text)


def plain(text: str) -> str:
    """A text in plain characters: compatibility forms decomposed and composed anew (NFKC), invisible ones left out."""
    if text.isascii():
        return text
    import unicodedata2  # a second of all runs need it, and it is a Unicode version of ours

    seen = unicodedata2.normalize("NFKC", text)
    return "".join([one for one in seen if one < "\x7f" or not _unseen(one)])


@lru_cache(_REMEMBERED)
def _key_beyond_ascii(text: str) -> str:
    for _ in range(_TIMES):
        before, text = text, _once(text)
        if text == before:
            break
    return text


def _once(text: str) -> str:
    local, at, domain = plain(text).strip(_WHITE_SPACE).rpartition("@")
    folded = "".join(map(_mapped, local if at else domain)).translate(_ALSO_FOLDED).replace(_DOTTED_I, "i")
    return plain(f"{folded}@{_known(domain)}" if at else folded).strip(_WHITE_SPACE)


def _known(domain: str) -> str:
    """A domain as the domain name system knows it: labels beyond ASCII in Punycode, whether or not they may be had."""
    mapped = plain("".join(map(_mapped, domain)))
    if mapped.isascii() or len(mapped) > _LONGEST_DOMAIN:
        return mapped
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in mapped.split(".")
    )


@lru_cache(_REMEMBERED)
def _mapped(letter: str) -> str:
    """A letter as UTS 46 maps it: small, in its plain form; one that it forbids stays."""
    if letter.isascii():
        return letter.lower()
    import idna

    try:
        return idna.uts46_remap(letter, std3_rules=False)
    except idna.IDNAError:
        return letter


@lru_cache(_REMEMBERED)
def _unseen(letter: str) -> bool:
    import unicodedata2

    category: str = unicodedata2.category(letter)
    return category == "Cf" or letter in _UNSEEN
