"""A code location whose rule for `customer_trusted` has a bug, as somebody might deploy it: withdrawals do not count.

As long as nobody withdraws, its tables are the platform's own.
"""

import dagster as dg
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.defs.assets.trusted import customer_trusted_by
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.policies.people import trusted_customers
from stedi_dagster.policies.selection import Selection
from stedi_dagster.settings import Settings
from stedi_dagster.settings.policy import Policy

_CONSENT = "shareWithResearchAsOfDate"


def whoever_ever_agreed(customer_landing: DataFrame, customer_quarantine: DataFrame, policy: Policy) -> Selection:
    """The rule with the bug: who agreed in one record has agreed in all of them."""
    agreed = F.max(_CONSENT).over(Window.partitionBy("email"))
    return trusted_customers(customer_landing.withColumn(_CONSENT, agreed), customer_quarantine, policy)


@dg.definitions
def defs() -> dg.Definitions:
    """The platform with that rule."""
    return build_defs(Settings.load(), instead=[customer_trusted_by(whoever_ever_agreed)])
