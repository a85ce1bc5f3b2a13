"""Who is in training, validation or test: decided from a participantId alone, so that nobody ever changes places.

A participantId is random, so its digest says nothing about a person, and whoever joins or leaves moves nobody else.
Other shares move only those between the old border and the new one.
"""

import hashlib
from typing import Literal, NamedTuple, get_args

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)


class Shares(NamedTuple):
    """How many participants are in each part, in percent."""

    train: int = 70
    validation: int = 15
    test: int = 15

    def __str__(self) -> str:
        """As STEDI_SPLIT has it."""
        return ",".join(str(share) for share in self)


DEFAULT_SHARES = Shares()


def shares_of(text: str) -> Shares:
    """The shares that a text names, such as "70,15,15".

    Raises:
        ValueError: it does not name three that add up to 100.
    """
    msg = "it must be the percentages of train, validation and test, which add up to 100, such as 70,15,15"
    try:
        train, validation, test = (int(share) for share in text.split(","))
    except ValueError:
        raise ValueError(msg) from None
    shares = Shares(train, validation, test)
    if min(shares) < 0 or sum(shares) != 100:  # noqa: PLR2004 - percent
        raise ValueError(msg)
    return shares


def part_of(participant: str, shares: Shares) -> Part:
    """The part that somebody is in.

    Args:
        participant: their participantId.
        shares: how many are in each.
    """
    place = int.from_bytes(hashlib.sha256(f"split {participant}".encode()).digest()[:8]) % 100
    return "train" if place < shares.train else "validation" if place < shares.train + shares.validation else "test"
