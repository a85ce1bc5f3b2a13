"""Whom a text means that was cut within an address: everybody whose address begins as the text ends."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from stedi_dagster.keys import key_of
from stedi_dagster.landing.decodings import readings
from stedi_dagster.landing.spellings import locals_before_at


def cut_addresses(text: str) -> set[str]:
    """The keys, as far as they go, of the addresses that a text may have been cut within; an @ is in each.

    Args:
        text: any text, as for `spellings.addresses_in`.
    """
    found: set[str] = set()
    for one in readings(text):
        before, at, after = one.rpartition("@")
        if at and (domain := _begun(after)) is not None:
            found.update(f"{key_of(local)}@{domain}" for local in locals_before_at(before) if local)
    return found


def _begun(text: str) -> str | None:
    """The key of the domain that a text may have been cut within; None where something else follows it."""
    begun = text.strip()
    if not all(sign.isalnum() or sign in "-_." for sign in begun):
        return None
    labels, dot, last = begun.rpartition(".")
    # Of a label beyond ASCII the key is known only once it is whole.
    return key_of(f"{labels}{dot}{last if last.isascii() else ''}")


class Addresses:
    """Addresses, to be looked up by how they begin."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Prepare for addresses given by their keys."""
        self._keys = sorted(set(keys))

    def beginning(self, *beginnings: str) -> Iterator[str]:
        """Those that begin in one of some ways."""
        for begun in beginnings:
            at = bisect_left(self._keys, begun)
            while at < len(self._keys) and self._keys[at].startswith(begun):
                yield self._keys[at]
                at += 1
