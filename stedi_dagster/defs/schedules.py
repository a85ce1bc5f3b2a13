"""What runs at fixed times. Only history that is over expires without being switched on."""

import dagster as dg

from stedi_dagster.defs.jobs import audit, everything, expire_history, reap_sessions
from stedi_dagster.settings import EMR_SERVERLESS, Settings

_nightly = dg.ScheduleDefinition(
    name="nightly",
    job=everything,
    cron_schedule="15 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="All tables once a night.",
)
_audits = dg.ScheduleDefinition(
    name="audits",
    job=audit,
    cron_schedule="30 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="The standing audits once an hour.",
)
_hourly_expiry = dg.ScheduleDefinition(
    name="hourly_expiry",
    job=expire_history,
    cron_schedule="50 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes history that is over once an hour, also where no run does.",
)
_hourly_reaping = dg.ScheduleDefinition(
    name="hourly_reaping",
    job=reap_sessions,
    cron_schedule="45 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Ends left EMR Serverless sessions once an hour.",
)


def schedules_for(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The schedules that the settings have a use for."""
    schedules = [_nightly, _audits, _hourly_expiry]
    return [*schedules, _hourly_reaping] if settings.engine == EMR_SERVERLESS else schedules
