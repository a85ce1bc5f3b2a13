"""What starts runs: jobs for people; a schedule and sensors, all off until somebody switches them on."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from stedi_dagster.errors import LandingError
from stedi_dagster.lakehouse.lakehouse import fingerprint
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.settings import Settings

EVERYTHING = "everything"
_LAYERS = ("landing", "trusted", "curated")

everything = dg.define_asset_job(
    EVERYTHING, selection=dg.AssetSelection.all(), description="All eight tables, from the raw files on."
)
JOBS = [
    everything,
    *(
        dg.define_asset_job(layer, selection=dg.AssetSelection.groups(layer), description=f"The {layer} tables.")
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


@dataclass(frozen=True)
class Automation:
    """What can be switched on in the UI."""

    schedules: list[dg.ScheduleDefinition]

    def sensors(self, settings: Settings) -> list[dg.SensorDefinition]:
        """The sensors, for the landing zone that the settings name."""
        return [
            _new_files(settings.landing),
            dg.AutomationConditionSensorDefinition(
                "table_automation",
                target=dg.AssetSelection.all(),
                default_status=dg.DefaultSensorStatus.STOPPED,
                description="Materializes a table when what it is made from is new and has passed its audits.",
            ),
        ]


AUTOMATION = Automation(schedules=[nightly])


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
