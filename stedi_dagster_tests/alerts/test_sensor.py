"""The sensor: on where somebody is to be told, and absent elsewhere; on the instance that `stedi run` writes to."""

import logging

import dagster as dg
import pytest

from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.settings import Settings
from stedi_dagster_tests.alerts.listeners import failing, passing, run


@pytest.fixture
def instance(settings, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    with open_instance(settings) as found:
        yield found


def tick(settings: Settings, instance: dg.DagsterInstance, log: list[str] | None = None) -> str | None:
    sensor = build_defs(settings).resolve_sensor_def("alerts")
    with dg.build_sensor_context(instance=instance) as context:
        if log is not None:
            context.log.addHandler(Kept(log))
        data = sensor.evaluate_tick(context)
    assert not data.run_requests
    return data.skip_message


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        self.log.append(f"{record.levelname} {record.getMessage()}")


def test_the_sensor_runs_by_itself_where_a_destination_is_set_and_is_absent_elsewhere(settings, tmp_path):
    topic = "arn:aws:sns:eu-west-1:123456789012:alerts"
    for chosen in (settings, Settings.load(home=tmp_path, alert_topic_arn=topic)):
        definitions = build_defs(chosen)
        dg.Definitions.validate_loadable(definitions)
        sensor = definitions.resolve_sensor_def("alerts")
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
        assert sensor.minimum_interval_seconds == 30
    assert "alerts" not in {sensor.name for sensor in build_defs(Settings.load(home=tmp_path)).sensors or ()}


def test_each_tick_sends_what_ended_since_the_last(settings, instance, hook):
    assert tick(settings, instance) == "0 alerts sent."
    run(instance, failing())
    run(instance, passing(), failing("contract", severity="WARN"))
    assert tick(settings, instance) == "3 alerts sent."
    assert hook.subjects == [
        "[STEDI] consent fails on customer_trusted",
        "[STEDI] consent passes again on customer_trusted",
        "[STEDI] contract warns on customer_trusted",
    ]
    assert tick(settings, instance) == "0 alerts sent."


def test_a_destination_that_fails_is_seen_in_the_tick(settings, instance, hook):
    hook.status = 500
    run(instance, failing())
    assert tick(settings, instance) == "0 alerts sent. 1 alert waits for json (URL 1): it answered 500."
    hook.status = 200
    assert tick(settings, instance) == "0 alerts sent. 1 alert waits for json (URL 1): it answered 500."


def test_a_tick_warns_in_its_log(settings, instance, hook):
    hook.status = 500
    run(instance, failing())
    log: list[str] = []
    tick(settings, instance, log)
    assert [line for line in log if line.startswith("WARNING")] == [
        "WARNING 1 alert waits for json (URL 1): it answered 500."
    ]


def test_checks_of_any_job_are_told(settings, instance, hook):
    """Standing audits are asset checks in jobs of their own."""

    @dg.asset
    def customer_trusted() -> None:
        """A table."""

    @dg.asset_check(asset=customer_trusted)
    def freshness() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, metadata={"rows": 5}, description="Some rows are old.")

    job = dg.Definitions(
        assets=[customer_trusted],
        asset_checks=[freshness],
        jobs=[dg.define_asset_job("audits", dg.AssetSelection.all_asset_checks())],
    ).resolve_job_def("audits")
    assert job.execute_in_process(instance=instance).success
    tick(settings, instance)
    [alert] = hook.took
    assert alert["title"] == "[STEDI] freshness fails on customer_trusted"
    assert "Found: Some rows are old. 5 rows\n" in alert["message"]


def test_nothing_of_a_destination_is_in_the_instance(settings, instance, hook):
    secret = Settings.load(home=settings.home, alert_urls=f"{hook.url}/quarkstrudel")
    run(instance, failing())
    tick(secret, instance)
    assert hook.took
    kept = [path for path in settings.home.rglob("*") if path.is_file()]
    assert len(kept) > 3
    assert not any(b"quarkstrudel" in path.read_bytes() for path in kept)
