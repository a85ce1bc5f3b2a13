"""Every oddity that `stedi generate --quirks` adds, in one table of named functions.

What a quirk is is defined in `quirk`; `writer` gives quirks their people and writes their files.
"""

from typing import Final

from stedi_dagster.sample.quirks.damage import DAMAGE
from stedi_dagster.sample.quirks.histories import HISTORIES
from stedi_dagster.sample.quirks.quirk import Quirk
from stedi_dagster.sample.quirks.shapes import SHAPES
from stedi_dagster.sample.quirks.values import VALUES

QUIRKS: Final[tuple[Quirk, ...]] = SHAPES + DAMAGE + VALUES + HISTORIES

__all__ = ["QUIRKS", "Quirk"]
