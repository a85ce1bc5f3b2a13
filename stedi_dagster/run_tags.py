"""What a run is told for this once by its tags, so that the UI can say it as well as the command; and its answer."""

import re
from collections.abc import Mapping

# Feeds of which a run takes less than before for what is meant.
ACCEPT_VOLUME = "stedi/accept-volume"
# Tables that a run makes anew, whatever is published of them.
AGAIN = "stedi/again"
# Of a run that looks for withdrawals: the digest of what it was asked to look at, and how many people it found.
LOOKED_AT, WITHDRAWN = "stedi/looked-at", "stedi/withdrawn"


def names_in(tags: Mapping[str, str], tag: str) -> frozenset[str]:
    """The names that a tag holds, with commas or blanks between them."""
    return frozenset(filter(None, re.split(r"[\s,]+", tags.get(tag, ""))))
