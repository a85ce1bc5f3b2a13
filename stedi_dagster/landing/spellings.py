"""Whose address may be read in a text that is no record, however it is written there.

The rule: whoever's address may be read anywhere in the text, under any spelling that is known here, is meant. Where a
text can be read in several ways, every reading counts: when in doubt, out. A text that was cut within an address names
what is left of it (and whom that means says `cut`). Every step takes time in proportion to the text, whatever is in it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from stedi_dagster.contracts.base import ADDRESS_KEY
from stedi_dagster.keys import key_of
from stedi_dagster.landing.decodings import readings

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

_SURROGATE = re.compile("[\ud800-\udfff]")


def addresses_in(text: str) -> set[str]:
    """The keys of all addresses that may be read in a text, with time and space in proportion to its length.

    Read are addresses beside any sign (mailto:, key=value&, quotes, full stops), escaped as JSON, URLs, HTML and
    quoted-printable texts are, and several times so; base64 and hexadecimal, of gzip too; UTF-16 that was read byte by
    byte, or a byte off; Latin-1; full-width.

    Args:
        text: any text; bytes that are no UTF-8 may stand in it as lone surrogates.
    """
    return {address for one in readings(text) for address in written_in(one)}


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
