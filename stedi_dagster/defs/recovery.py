"""What a command that changed tables does about the standing audits that had failed."""

from contextlib import AbstractContextManager

from stedi_dagster.defs.alerts.record import send_alerts
from stedi_dagster.defs.audits.recording import failing_audits, record
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings


def judge_again(
    settings: Settings, lakehouse: Lakehouse, *, consistent_read: AbstractContextManager[None]
) -> list[str]:
    """Judge again the standing audits that failed, after a command that changed tables without a run of Dagster's.

    Args:
        settings: the rules in force.
        lakehouse: where the tables are.
        consistent_read: see `evidence_of`.

    Returns:
        What went wrong with that, a sentence each: the command itself has done its work.
    """
    with open_instance(settings) as instance:
        audits = failing_audits(instance)
        if not audits:
            return []
        from stedi_dagster.audits.standing.judging import run_audits

        try:
            record(list(run_audits(audits, settings, lakehouse, consistent_read=consistent_read)), instance)
        except StediError as error:
            return [f"The audits that had failed are not judged again: {error}"]
        return send_alerts(settings, instance)
