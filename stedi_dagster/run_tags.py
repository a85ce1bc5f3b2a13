"""Tags that give a single run special instructions, from the UI as well as from the command, and hold its answer."""

import re
from collections.abc import Mapping

# Feeds that are meant to be smaller than before.
ACCEPT_VOLUME = "stedi/accept-volume"
# Tables to make in full, whatever is published already: their names, or `all`.
FULL_REFRESH, ALL = "stedi/full-refresh", "all"
# Of a run that looks for withdrawals: the digest of what it was asked to look at, and how many people it found.
LOOKED_AT, WITHDRAWN = "stedi/looked-at", "stedi/withdrawn"


def names_in(tags: Mapping[str, str], tag: str) -> frozenset[str]:
    """The names in a tag, separated by commas or blanks."""
    return frozenset(filter(None, re.split(r"[\s,]+", tags.get(tag, ""))))
