"""What starts runs: jobs for people; schedules and sensors, off until somebody switches them on.

On from the start are those that keep the promise to people: a withdrawal starts a run, history that is over expires,
and the sensor of alerts tells whoever the settings name. What such a job does beside the tables is in `upkeep`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from stedi_dagster.contracts import LAYERS
from stedi_dagster.defs.alerts.sensor import alert_sensors
from stedi_dagster.defs.assets.report import SELECTION as REPORT
from stedi_dagster.defs.audits.asset_checks import SELECTION as STANDING_AUDITS
from stedi_dagster.defs.upkeep import expire_history, forget, hourly_expiry, hourly_reaping, reap_sessions
from stedi_dagster.errors import LandingError, StediError
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.settings import EMR_SERVERLESS, Settings
from stedi_dagster.storage import storage_errors

EVERYTHING = "everything"
# How the cursor of the sensor `withdrawals` begins while a run is awaited.
_PENDING = "pending "

everything = dg.define_asset_job(
    EVERYTHING,
    selection=dg.AssetSelection.all() - STANDING_AUDITS - REPORT,
    description="All tables, from the raw files on.",
)
audit = dg.define_asset_job(
    "audit", selection=STANDING_AUDITS, description="The standing audits of what is published; makes no table."
)
report = dg.define_asset_job(
    "report", selection=REPORT, description="A page to hand over about what is published; makes no table."
)
JOBS = [
    everything,
    audit,
    report,
    *(
        dg.define_asset_job(
            layer,
            selection=dg.AssetSelection.groups(layer) - STANDING_AUDITS,
            description=f"The {layer} tables.",
        )
        for layer in LAYERS
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
        jobs=[*JOBS, forget, expire_history, *([reap_sessions] if on_emr else [])],
        schedules=[nightly, audits, hourly_expiry, *([hourly_reaping] if on_emr else [])],
        sensors=[
            _new_files(settings.landing),
            _withdrawals(settings),
            table_automation,
            *alert_sensors(settings),
        ],
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


def _withdrawals(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="withdrawals",
        job=everything,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs everything when a customer record has landed that takes back an agreement.",
    )
    def withdrawals(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from stedi_dagster.audits.standing.withdrawals import current_snapshots, pending_withdrawals
        from stedi_dagster.lakehouse.lakehouse import Lakehouse
        from stedi_dagster.lakehouse.summary import newer_inputs

        before = context.cursor or ""
        try:
            with storage_errors("looking for withdrawals", outcome=""):
                lakehouse = Lakehouse.of(settings)
                files = list_files(settings.landing, FEEDS["customer_landing"]).digest()
                current = current_snapshots(lakehouse)
                # Also what a run publishes that had listed the files before the withdrawal came.
                seen = fingerprint({name: snapshot.snapshot_id for name, snapshot in current.items()} | {"": files})
                if seen == before:
                    yield dg.SkipReason("No customer file is new, and no table.")
                    return
                pending = pending_withdrawals(settings.landing, lakehouse).people > 0
        except StediError as error:
            yield dg.SkipReason(str(error))
            return
        # A run that fails in the middle may leave them in the tables below.
        if pending or (before.startswith(_PENDING) and any(newer_inputs(name, current) for name in current)):
            # A run that fails leaves them pending: it is asked for again, once an hour.
            context.update_cursor(f"{_PENDING}{seen}")
            yield dg.RunRequest(run_key=f"{files} {datetime.now(UTC):%Y-%m-%d %H}")
            return
        context.update_cursor(seen)
        yield dg.SkipReason("Nobody who is in a table has withdrawn.")

    return withdrawals
