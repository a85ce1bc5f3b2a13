"""Finds the addresses in a text that is not a record, however they are written there.

The rule: a text means everyone whose address can be read anywhere in it, in any spelling known here. If it can be read
in several ways, every reading counts: when in doubt, out. Texts that were cut off within an address are resolved by
`cut`, encoded ones by `decodings`. Every step takes time proportional to the text, whatever is in it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from stedi_dagster.contracts.base import ADDRESS_KEY
from stedi_dagster.keys import key_of
from stedi_dagster.landing.decodings import readings

# The part left of an @ is a candidate as a whole, and so is what follows a separator within this many characters.
_NEAR = 320
_READINGS = 24
_IS_ADDRESS = re.compile(ADDRESS_KEY)
# An address may extend up to one of these separators. Read backwards for the part before the @.
_STOPS = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\"(),:;<>@\[\]\\{}"
_UP_TO_A_STOP = re.compile(f"[^{_STOPS}]*")
# These separate an address from what is not part of it, although addresses may contain them, too.
_BETWEEN = frozenset("=&?/|#!`'^$%*~")
_BEFORE = "".join(_BETWEEN) + "+-_."
_AFTER = ".-_"
_ENDS = re.compile(r"(?<=[A-Za-z0-9])(?=\.[A-Z])|(?<=[a-z0-9])(?=[A-Z])|[_-]|\.\.")
# Unicode categories: domains may contain hearts, and invisible characters are ignored; quotation marks end a domain.
_UNQUOTED = ("So", "Cf")
# What may be between the local part and its @: "ann" @ example.com
_AROUND_AT = " \t\xa0\"'\\"

_SURROGATE = re.compile("[\ud800-\udfff]")


def addresses_in(text: str) -> set[str]:
    """The keys of all addresses that can be read in a text, in time and space proportional to its length.

    Finds addresses next to any punctuation (mailto:, key=value&, quotes, full stops); escaped as in JSON, URLs, HTML
    and quoted-printable, also several times; in base64 and hexadecimal, also of gzip; in UTF-16 that was read byte by
    byte, or a byte off; in Latin-1; in full-width characters.

    Args:
        text: any text; lone surrogates represent bytes that are not UTF-8.
    """
    return {address for reading in readings(text) for address in written_in(reading)}


def written_in(text: str) -> Iterator[str]:
    """The keys of the addresses in a text as it is, without decoding."""
    around = {(_before_at(before), _after_at(after)) for before, after in pairwise(text.split("@"))}
    for before_at, after_at in around:
        for local in _locals(before_at):
            for domain in _domains(after_at):
                if key := _address(f"{local}@{domain}"):
                    yield key


def _before_at(text: str) -> str:
    # Reverse only the nearest characters if they suffice; an endless address is read as a whole.
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
    """Candidates for the part before the @: all of the run, and what follows each of its nearest separators."""
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
    """Candidates for the part after the @."""
    end = next((at for at, character in enumerate(run) if not _in_domain(character)), len(run))
    run = run[:end]
    found = {run: None, run.rstrip(_AFTER): None}
    other_script = next((at for at, letter in enumerate(run) if not letter.isascii() and _separates(letter)), len(run))
    found[run[:other_script].rstrip(_AFTER)] = None
    for ending in _ENDS.finditer(run[:_NEAR]):
        if len(found) > _READINGS // 4:
            break
        found[run[: ending.start()].rstrip(_AFTER)] = None
    return found


def locals_before_at(text: str) -> Iterable[str]:
    """Candidates for the part before an @ that follows the text."""
    return _locals(_before_at(text))


def _in_domain(letter: str) -> bool:
    if letter.isascii():
        return letter in "-_." or letter.isalnum()
    return _category(letter)[0] in "LMN" or _category(letter) in _UNQUOTED


def _separates(letter: str) -> bool:
    """Whether an address may begin or end at a non-ASCII character: not a letter, or of a script without capitals."""
    return _category(letter) == "Lo" or (_category(letter)[0] not in "LMN" and _category(letter) != "Cf")


@lru_cache(1 << 16)
def _category(letter: str) -> str:
    import unicodedata2

    category: str = unicodedata2.category(letter)
    return category


def _address(text: str) -> str | None:
    key = key_of(text)
    return key if _IS_ADDRESS.search(key) and not _SURROGATE.search(key) else None
