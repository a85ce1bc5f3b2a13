"""What starts runs: jobs for people; a schedule and sensors, all off until somebody switches them on.

And what tells of them: the sensor of alerts, on where the settings name somebody to tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from stedi_dagster.alerts.sensor import alert_sensors
from stedi_dagster.audits.asset_checks import SELECTION as STANDING_AUDITS
from stedi_dagster.errors import BusyError, LandingError, StediError
from stedi_dagster.failures import failure
from stedi_dagster.lakehouse.lakehouse import fingerprint
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.settings import EMR_SERVERLESS, Settings

EVERYTHING = "everything"
_LAYERS = ("landing", "trusted", "curated")

everything = dg.define_asset_job(
    EVERYTHING,
    selection=dg.AssetSelection.all() - STANDING_AUDITS,
    description="All eight tables, from the raw files on.",
)
audit = dg.define_asset_job(
    "audit", selection=STANDING_AUDITS, description="The standing audits of what is published; makes no table."
)
JOBS = [
    everything,
    audit,
    *(
        dg.define_asset_job(
            layer,
            selection=dg.AssetSelection.groups(layer) - STANDING_AUDITS,
            description=f"The {layer} tables.",
        )
        for layer in _LAYERS
    ),
]

nightly = dg.ScheduleDefinition(
    name="nightly",
    job=everything,
    cron_schedule="15 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="All tables once a night.",
)

audits = dg.ScheduleDefinition(
    name="audits",
    job=audit,
    cron_schedule="30 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="The standing audits once an hour.",
)


@dg.op(required_resource_keys={"lakehouse"})
def end_left_sessions(context: dg.OpExecutionContext) -> None:
    """End the EMR Serverless sessions that killed runs left."""
    try:
        ended = context.resources.lakehouse.reap_sessions()
    except BusyError as error:
        context.log.info("Nothing to do: %s", error)
    except StediError as error:
        raise failure(error) from None
    else:
        context.log.info("%d sessions were left running, and are ended.", ended)


@dg.job(description="Ends the EMR Serverless sessions that killed runs left. Every run does so too, before its own.")
def reap_sessions() -> None:
    """See `end_left_sessions`."""
    end_left_sessions()


hourly_reaping = dg.ScheduleDefinition(
    name="hourly_reaping",
    job=reap_sessions,
    cron_schedule="45 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Ends left EMR Serverless sessions once an hour.",
)


@dataclass(frozen=True)
class Automation:
    """What starts runs under some settings, and tells of them."""

    jobs: list[Any]
    schedules: list[dg.ScheduleDefinition]
    sensors: list[dg.SensorDefinition]


def automation_for(settings: Settings) -> Automation:
    """The jobs, and what can be switched on in the UI."""
    on_emr = settings.engine == EMR_SERVERLESS
    table_automation = dg.AutomationConditionSensorDefinition(
        "table_automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Materializes a table when what it is made from is new and has passed its audits.",
    )
    return Automation(
        jobs=[*JOBS, reap_sessions] if on_emr else JOBS,
        schedules=[nightly, audits, hourly_reaping] if on_emr else [nightly, audits],
        sensors=[_new_files(settings.landing), table_automation, *alert_sensors(settings)],
    )


def _new_files(landing: str) -> dg.SensorDefinition:
    @dg.sensor(
        name="new_landing_files",
        job=everything,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs everything when a file in the landing zone is new or has changed.",
    )
    def new_landing_files(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            seen = fingerprint({table: list_files(landing, feed).digest() for table, feed in FEEDS.items()})
        except LandingError as error:
            yield dg.SkipReason(str(error))
            return
        if seen == context.cursor:
            yield dg.SkipReason("No file is new.")
            return
        context.update_cursor(seen)
        yield dg.RunRequest(run_key=seen)

    return new_landing_files
