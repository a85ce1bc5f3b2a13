"""Every oddity that `stedi generate --quirks` adds, in one table of named functions.

How quirks are given people and files is in `cast.py`.
"""

from typing import Final

from stedi_dagster.sample.quirks.damage import DAMAGE
from stedi_dagster.sample.quirks.histories import HISTORIES
from stedi_dagster.sample.quirks.kit import Quirk
from stedi_dagster.sample.quirks.shapes import SHAPES
from stedi_dagster.sample.quirks.values import VALUES

QUIRKS: Final[tuple[Quirk, ...]] = SHAPES + DAMAGE + VALUES + HISTORIES

__all__ = ["QUIRKS", "Quirk"]
