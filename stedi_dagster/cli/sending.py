"""Alerts at the end of a command: nobody else may be there to send them."""

import dagster as dg

from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings


def send_alerts(settings: Settings, instance: dg.DagsterInstance) -> list[str]:
    """Send what is to be told, if anybody is to be; return what went wrong, a sentence each."""
    if not settings.alerting:
        return []
    from stedi_dagster.alerts.deliver import record_and_deliver

    try:
        problems = record_and_deliver(settings, instance, at_once=True).problems
    except StediError as error:
        return [str(error)]  # what the command did is still to be shown
    return [f"{problem} The next `stedi run` tries again, and so does the UI while it runs." for problem in problems]
