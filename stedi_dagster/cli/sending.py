"""What a command tells at its end, because nobody else may be there to do so: alerts, and what has recovered."""

from typing import TYPE_CHECKING

from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings

if TYPE_CHECKING:  # loading it takes a second that not every command needs
    import dagster as dg


def send_alerts(settings: Settings, instance: "dg.DagsterInstance") -> list[str]:
    """Send what is to be told, if anybody is to be; return what went wrong, a sentence each."""
    if not settings.alerting:
        return []
    from stedi_dagster.alerts.deliver import record_and_deliver

    try:
        problems = record_and_deliver(settings, instance, at_once=True).problems
    except StediError as error:
        return [str(error)]  # what the command did is still to be shown
    return [f"{problem} The next `stedi run` tries again, and so does the UI while it runs." for problem in problems]


def judge_again(settings: Settings, lakehouse: Lakehouse) -> list[str]:
    """Judge again the standing audits that failed, after a command that changed tables without a run of Dagster's.

    Returns:
        What went wrong with that, a sentence each: the command itself has done its work.
    """
    if not settings.dagster_home.exists():
        return []  # nobody has ever audited here
    from stedi_dagster.audits.recording import failing_audits, record
    from stedi_dagster.instance import open_instance

    with open_instance(settings) as instance:
        audits = failing_audits(instance)
        if not audits:
            return []
        from stedi_dagster.audits.run import run_audits
        from stedi_dagster.cli.tables import unmoved

        try:
            record(
                list(run_audits(audits, settings, lakehouse, unmoved=unmoved(settings, lakehouse, "stedi"))), instance
            )
        except StediError as error:
            return [f"The audits that had failed are not judged again: {error}"]
        return send_alerts(settings, instance)
