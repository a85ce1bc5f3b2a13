"""Sample landing data for users who have none: the generator behind `stedi generate`.

Nothing here reads a landing zone or knows an engine, and the rest of the platform does not depend on it.
"""

from stedi_dagster.sample.generator import generate
from stedi_dagster.sample.plan import FEEDS, FeedTotals, Generated, OddFile, Plan, plan
from stedi_dagster.sample.quirks import QUIRKS, Quirk

__all__ = ["FEEDS", "QUIRKS", "FeedTotals", "Generated", "OddFile", "Plan", "Quirk", "generate", "plan"]
