"""Tags that give a single run special instructions, from the UI as well as from the command."""

import re
from collections.abc import Mapping

# Feeds that are meant to be smaller than before.
ACCEPT_VOLUME = "stedi/accept-volume"
# Tables to make anew, whatever is published already.
AGAIN = "stedi/again"


def names_in(tags: Mapping[str, str], tag: str) -> frozenset[str]:
    """The names in a tag, separated by commas or blanks."""
    return frozenset(filter(None, re.split(r"[\s,]+", tags.get(tag, ""))))
