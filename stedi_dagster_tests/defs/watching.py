"""Sensors, as Dagster's daemon ticks them."""

import dagster as dg

from stedi_dagster.defs.definitions import build_defs
from stedi_dagster_tests.scenario import Scenario


def defs_of(scenario: Scenario) -> dg.Definitions:
    """The definitions under a scenario's settings."""
    return build_defs(scenario.load_settings())


class Watch:
    """A sensor, as the daemon ticks it."""

    def __init__(
        self, scenario: Scenario, sensor: str = "new_landing_files", instance: dg.DagsterInstance | None = None
    ) -> None:
        self.scenario, self.instance = scenario, instance
        self.sensor = defs_of(scenario).resolve_sensor_def(sensor)
        self.cursor: str | None = None
        self.skipped: str | None = None

    def requests(self) -> list[dg.RunRequest]:
        """The runs that it asks for in one tick."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        data = self.sensor.evaluate_tick(context)
        self.cursor, self.skipped = data.cursor, data.skip_message
        return list(data.run_requests or ())

    def tick(self) -> list[str | None]:
        """The keys of the runs that it asks for."""
        return [request.run_key for request in self.requests()]
