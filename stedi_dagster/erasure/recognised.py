"""What may be read in a text of any kind: the one place that says so for erasing and for looking where somebody stands.

It is what landing reads (`landing.spellings`), and more: words, for what is no address.
"""

import re
from collections.abc import Iterable, Iterator

from stedi_dagster.erasure.digests import words
from stedi_dagster.keys import key_of
from stedi_dagster.landing.decodings import readings
from stedi_dagster.landing.spellings import written_in

_TOKEN = re.compile(r'[^\s"<>]+')
# What may say something else than it shows, beside an escape: encoded signs, or letters enough for packed ones.
_ENCODED = re.compile(r"[%&=][0-9A-Fa-f#A-Za-z]|[\x00\\]|[^\x00-\x7f]|[A-Za-z0-9+/_-]{8}")
_IN_NUMBERS = "0123456789.,:;{}[]()+-"
# Random numbers like UUIDs, which are most of all values: no @ is packed in these letters (base64 needs others for it,
# hexadecimal a longer run).
_UUID = re.compile(r"[0-9a-f]{1,15}(?:-[0-9a-f]{1,15})++")
# A line of a mail that goes on in the next.
_SOFT_END = re.compile(r"=\r?\n")
# Letters over several lines: of each one it must be seen whether it has several, else looking would not be linear.
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{8,}+((?:(?:\\[rn]|[\r\n])++[A-Za-z0-9+/_-]++)*+)")


def recognised(text: str, without: Iterable[str] = ()) -> set[str]:
    """The keys of all words and addresses that may be read in a text, however it is written or encoded there.

    Args:
        text: any text.
        without: the keys of addresses in which others may be read that are not meant, the longest first.
    """
    longer = list(without)
    return set().union(*(_in_reading(one, longer) for one in readings(text)))


def is_recognised(whom: str, said: Iterable[str], without: Iterable[str] = ()) -> bool:
    """Whether somebody is among what `recognised` finds in a text.

    Args:
        whom: the key of their address.
        said: the readings of the text.
        without: as there.
    """
    longer = list(without)
    local, _, domain = whom.rpartition("@")

    def may_stand_in(one: str) -> bool:
        # Of ASCII the key is the text in small letters, and an address is what stands before an @ and behind it.
        return not one.isascii() or all(part in one.lower() for part in (local, domain))

    return any(whom in _in_reading(one, longer) for one in said if may_stand_in(one))


def _in_reading(text: str, longer: Iterable[str]) -> set[str]:
    found: set[str] = set()
    said = key_of(text)
    if not text.isascii():
        # The key of a whole text has a domain with all that stands around it: addresses are read before, too.
        written = set(written_in(text))
        found |= written.difference(*(written_in(other) for other in longer if other in written))
    for other in longer:
        said = said.replace(other, " ")
    found.update(words(said), written_in(said))
    return found


def holding(people: Iterable[str], whom: Iterable[str]) -> list[str]:
    """The keys of those people in whose address that of somebody else stands, the longest first."""
    inner = set(whom)
    return sorted((one for one in people if any(other in one for other in inner)), key=len, reverse=True)


def encoded_in(text: str) -> Iterator[str]:
    """The stretches of a text that may say something else than they show: of a long text those alone are decoded."""
    for token in _TOKEN.findall(_SOFT_END.sub("", text)):
        if _ENCODED.search(token) and token.strip(_IN_NUMBERS) and not _UUID.fullmatch(token):
            yield token
    for packed in _PACKED.finditer(text):
        if packed[1]:
            yield packed[0]
