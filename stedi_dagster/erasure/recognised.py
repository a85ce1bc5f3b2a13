"""What may be read in a text of any kind: the one place that says so for erasing and for looking where somebody stands.

It is what landing reads (`landing.spellings`), and more: words, for what is no address.
"""

from stedi_dagster.erasure.digests import words
from stedi_dagster.landing.spellings import addresses_in, readings


def recognised(text: str) -> set[str]:
    """The keys of all words and addresses that may be read in a text, however it is written or encoded there."""
    return addresses_in(text).union(*(words(one) for one in readings(text)))
