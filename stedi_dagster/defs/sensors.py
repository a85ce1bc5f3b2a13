"""What starts runs when something has happened: off until somebody switches it on, but for what keeps the promise.

The promise to people: a withdrawal starts a run, and the sensor of alerts tells whoever the settings name.
"""

import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from stedi_dagster.defs.alerts.sensor import alert_sensors
from stedi_dagster.defs.assets.feeds import SELECTION as RAW_FILES
from stedi_dagster.defs.assets.feeds import observation
from stedi_dagster.defs.jobs import EVERYTHING, everything, look_for_withdrawals
from stedi_dagster.errors import StediError
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files
from stedi_dagster.run_tags import LOOKED_AT, WITHDRAWN
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors

# Dagster's own call, when it gives a job that a sensor names its resources.
warnings.filterwarnings("ignore", "Parameter `owners` of initializer `SensorDefinition", dg.BetaWarning)

# How a sensor's cursor begins while a run is awaited.
_PENDING = "pending "
_FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)

_table_automation = dg.AutomationConditionSensorDefinition(
    "table_automation",
    target=dg.AssetSelection.all() | RAW_FILES,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Materializes a table when what it is made from is new and has passed its audits.",
)


def sensors_for(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensors, which can be switched on and off in the UI."""
    return [_new_files(settings), _withdrawals(settings), _table_automation, *alert_sensors(settings)]


def _new_files(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="new_landing_files",
        job=everything,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs everything when a raw file has not landed as it is: it is new, has changed, or is gone.",
    )
    def new_landing_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        from stedi_dagster.drafts.landed_files import not_landed
        from stedi_dagster.lakehouse.lakehouse import Lakehouse

        now_ms, before = time.time_ns() // 1_000_000, context.cursor or ""
        try:
            with storage_errors("looking for new files", outcome=""):
                listings = [(feed, list_files(settings.landing, feed)) for feed in FEEDS.values()]
                seen = fingerprint({feed.contract.table(): listing.digest() for feed, listing in listings})
                if seen == before:
                    return dg.SensorResult(skip_reason="No file is new.")
                lakehouse = Lakehouse.of(settings)
                files = sum(not_landed(lakehouse, feed, listing, now_ms) for feed, listing in listings)
        except StediError as error:
            return dg.SensorResult(skip_reason=str(error))
        told = before == f"{_PENDING}{seen}"
        observations = [] if told else [observation(feed, listing) for feed, listing in listings]
        if not files:
            # Somebody else has run them.
            return dg.SensorResult(skip_reason="Every file has landed.", cursor=seen, asset_events=observations)
        # Where a run has failed, or a feed was refused: once an hour.
        request = dg.RunRequest(run_key=f"{seen} {datetime.now(UTC):%Y-%m-%d %H}")
        return dg.SensorResult([request], cursor=f"{_PENDING}{seen}", asset_events=observations)

    return new_landing_files


def _withdrawals(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="withdrawals",
        jobs=[look_for_withdrawals, everything],
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Has customer files that are new looked into, and runs everything when somebody has withdrawn.",
    )
    def withdrawals(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from stedi_dagster.audits.standing.withdrawals import PEOPLE, current_snapshots
        from stedi_dagster.lakehouse.lakehouse import Lakehouse
        from stedi_dagster.lakehouse.summary import newer_inputs

        before = context.cursor or ""
        try:
            with storage_errors("looking for withdrawals", outcome=""):
                files = list_files(settings.landing, FEEDS["customer_landing"]).digest()
                current = current_snapshots(Lakehouse.of(settings))
        except StediError as error:
            yield dg.SkipReason(str(error))
            return
        # Also what a run publishes that had listed the files before the withdrawal came.
        with_people = {name: current[name].snapshot_id for name, _ in PEOPLE if name in current}
        seen = fingerprint(with_people | {"": files})
        unfinished = before.startswith(_PENDING) and any(newer_inputs(name, current) for name in current)
        if seen == before:
            yield dg.SkipReason("No customer file is new, and no table.")
            return
        if not with_people:
            yield dg.SkipReason("Nobody is in a table yet.")
            return
        looked = _looked_at(seen, context.instance)
        if looked is None or looked.status in _FAILED:
            # A look that failed is asked for again every ten minutes.
            yield dg.RunRequest(
                run_key=f"{seen} {datetime.now(UTC):%Y-%m-%d %H:%M}"[:-1],
                job_name=look_for_withdrawals.name,
                tags={LOOKED_AT: seen},
            )
            return
        if not looked.is_success:
            yield dg.SkipReason("The customer files are being looked into.")
            return
        # A run that fails in the middle may leave them in the tables below.
        if int(looked.tags[WITHDRAWN]) or unfinished:
            # A run that fails leaves them pending: it is asked for again, once an hour.
            context.update_cursor(f"{_PENDING}{seen}")
            yield dg.RunRequest(run_key=f"{files} {datetime.now(UTC):%Y-%m-%d %H}", job_name=EVERYTHING)
            return
        context.update_cursor(seen)
        yield dg.SkipReason("Nobody who is in a table has withdrawn.")

    return withdrawals


def _looked_at(seen: str, instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """The last run that was asked to look at these files and tables."""
    asked = dg.RunsFilter(job_name=look_for_withdrawals.name, tags={LOOKED_AT: seen})
    return next(iter(instance.get_runs(asked, limit=1)), None)
