"""Resolves a text that was cut off within an address: it means everyone whose address begins as the text ends."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from stedi_dagster.keys import key_of
from stedi_dagster.landing.decodings import readings
from stedi_dagster.landing.spellings import locals_before_at


def cut_addresses(text: str) -> set[str]:
    """The partial keys of the addresses that a text may have been cut off within; each contains an @.

    Args:
        text: any text, as for `spellings.addresses_in`.
    """
    found: set[str] = set()
    for reading in readings(text):
        before, at, after = reading.rpartition("@")
        if at and (domain := _partial_domain(after)) is not None:
            found.update(f"{key_of(local)}@{domain}" for local in locals_before_at(before) if local)
    return found


def _partial_domain(text: str) -> str | None:
    """The key of the domain that a text may have been cut off within; None if something else follows it."""
    domain = text.strip()
    if not all(character.isalnum() or character in "-_." for character in domain):
        return None
    labels, dot, last = domain.rpartition(".")
    # The key of a non-ASCII label is known only once the label is complete.
    return key_of(f"{labels}{dot}{last if last.isascii() else ''}")


class Addresses:
    """Looks up addresses by how they begin."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Index addresses, given by their keys."""
        self._keys = sorted(set(keys))

    def beginning(self, *beginnings: str) -> Iterator[str]:
        """The addresses that begin with one of the given texts."""
        for beginning in beginnings:
            at = bisect_left(self._keys, beginning)
            while at < len(self._keys) and self._keys[at].startswith(beginning):
                yield self._keys[at]
                at += 1
