"""The page of what Dagster has beside the tables: jobs, sensors, schedules."""

import dagster as dg

from docs.generator import markdown as md
from docs.generator.sources import EVERYTHING, jobs_for, schedules_for, sensors_for

_INTRODUCTION = """
What the [UI](../how-to/run-in-production.md#what-starts-runs) lists beside the eight tables. Sensors and schedules work
only while `stedi ui` or Dagster's daemon is running. The asset `report` keeps a page to hand over in
`STEDI_HOME/reports`; `ml_release` holds the [releases](../how-to/make-a-release.md).
"""
_TAGS = """
## Tags of a run

| tag | does the same as |
| --- | --- |
| `stedi/accept-volume` | `stedi run --accept-volume`; names of feeds, with commas between them |
| `stedi/full-refresh` | `stedi run --full-refresh`; `all`, or names of tables with commas between them |
"""


def page() -> str:
    """The page."""
    jobs = [(md.code(job.name), job.description) for job in jobs_for(EVERYTHING)]
    sensors = [
        (
            md.code(sensor.name),
            _on(sensor.default_status is dg.DefaultSensorStatus.RUNNING),
            f"every {sensor.minimum_interval_seconds} s",
            sensor.description or "",
        )
        for sensor in sensors_for(EVERYTHING)
    ]
    schedules = [
        (
            md.code(schedule.name),
            _on(schedule.default_status is dg.DefaultScheduleStatus.RUNNING),
            md.code(schedule.cron_schedule),
            schedule.description or "",
        )
        for schedule in schedules_for(EVERYTHING)
    ]
    return md.page(
        "Jobs, sensors and schedules",
        _INTRODUCTION,
        "## Jobs",
        md.table(("job", "what it does"), jobs),
        "`reap_sessions` and `hourly_reaping` are there with `STEDI_ENGINE=emr-serverless` only.",
        "## Sensors",
        md.table(("sensor", "from the start", "looks", "what it does"), sensors),
        "The sensor `alerts` is there where the settings name [whom to tell](../how-to/set-up-alerts.md).",
        "## Schedules",
        md.table(("schedule", "from the start", "when (UTC)", "what it does"), schedules),
        _TAGS,
    )


def _on(running: bool) -> str:
    return "on" if running else "off"
