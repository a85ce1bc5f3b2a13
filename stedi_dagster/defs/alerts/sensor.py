"""The sensor that creates and sends alerts while Dagster's daemon runs."""

import dagster as dg

from stedi_dagster.settings import Settings

NAME = "alerts"


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor, if the settings name a destination."""
    return [_alerts(settings)] if settings.alerting else []


def _alerts(settings: Settings) -> dg.SensorDefinition:
    # Not a run status sensor: Dagster advances its cursor even if it fails, does not show it runs of `stedi run`, and
    # skips runs that ended before its first tick. Each of these would lose alerts.
    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of checks that fail in finished and failed runs, of runs that fail otherwise, and of their "
        "recovery.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from stedi_dagster.defs.alerts.record import record_and_deliver

        delivery = record_and_deliver(settings, context.instance, at_once=False)
        for problem in delivery.problems:
            context.log.warning(problem)
        return dg.SkipReason(" ".join([f"{delivery.sent} alerts sent.", *delivery.problems]))

    return alerts
