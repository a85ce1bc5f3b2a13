"""What starts runs: jobs, schedules and sensors, nearly all off until switched on; and what they wait for."""

from collections.abc import Iterator

import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster_tests.defs.assets.builders import (
    ANN,
    BOB,
    LANDED_FILES,
    QUARANTINES,
    orphans,
    tables,
    three_people,
)
from stedi_dagster_tests.defs.watching import Watch, defs_of
from stedi_dagster_tests.scenario import T0, Scenario, customer


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    return three_people(tmp_path)


class Withdrawals(Watch):
    """The sensor `withdrawals`, whose looks into the files are run."""

    def __init__(self, scenario: Scenario, instance: dg.DagsterInstance) -> None:
        super().__init__(scenario, "withdrawals", instance)
        self.looks = 0

    def look(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        assert request.job_name == "look_for_withdrawals"
        self.looks += 1
        return self.scenario.run(self.instance, job=request.job_name, tags=request.tags)

    def tick(self) -> list[str | None]:
        """The keys of the runs of `everything` that it asks for, once it has been looked into the files."""
        requests = self.requests()
        if [request.job_name for request in requests] == ["look_for_withdrawals"]:
            assert self.look(requests[0]).success
            requests = self.requests()
        assert {request.job_name for request in requests} <= {"everything"}
        return [request.run_key for request in requests]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_there_is_a_job_for_everything_and_for_each_layer(scenario):
    defs = defs_of(scenario)
    selected = {
        name: {key.path[-1] for key in defs.resolve_job_def(name).asset_layer.selected_asset_keys}
        for name in ("everything", "landing", "trusted", "curated")
    }
    assert selected["everything"] == {*TABLES, *QUARANTINES, *LANDED_FILES, "participants", "ml_release"}
    assert selected["landing"] | selected["trusted"] | selected["curated"] == selected["everything"]
    assert selected["landing"] == {name for name in TABLES if name.endswith("_landing")} | QUARANTINES | LANDED_FILES
    assert selected["trusted"] == {name for name in TABLES if name.endswith("_trusted")}
    assert selected["curated"] == {name for name in TABLES if name.endswith("_curated")} | {
        *("participants", "ml_release")
    }


def test_only_what_keeps_the_promise_to_people_runs_without_being_switched_on(scenario):
    defs = defs_of(scenario)
    assert {s.name: s.default_status for s in defs.schedules or ()} == {
        "nightly": dg.DefaultScheduleStatus.STOPPED,
        "audits": dg.DefaultScheduleStatus.STOPPED,
        "hourly_expiry": dg.DefaultScheduleStatus.RUNNING,
    }
    assert {s.name: s.default_status for s in defs.sensors or ()} == {
        "new_landing_files": dg.DefaultSensorStatus.STOPPED,
        "withdrawals": dg.DefaultSensorStatus.RUNNING,
        "table_automation": dg.DefaultSensorStatus.STOPPED,
    }


def test_the_schedule_runs_everything_once_a_night(scenario):
    schedule = defs_of(scenario).resolve_schedule_def("nightly")
    assert schedule.job_name == "everything"
    assert schedule.execution_timezone == "UTC"
    assert schedule.cron_schedule == "15 3 * * *"


def test_what_waits_for_the_lock_is_in_the_pool_and_nothing_else(scenario):
    defs = defs_of(scenario)
    nodes = [node for job in defs.resolve_all_job_defs() for node in job.nodes_in_topological_order]
    pools = {node.name: node.definition.pools for node in nodes}
    waiting = {*TABLES, "participants", "make_release", "make_report", "standing_audits", "forget_person"}
    assert {name for name, pool in pools.items() if pool == {"lakehouse"}} == waiting
    assert {name for name, pool in pools.items() if not pool} == {
        *(f"{feed.name}_feed" for feed in FEEDS.values()),
        *("expire_snapshots", "find_withdrawals"),
    }


def test_definitions_can_be_loaded_without_touching_anything(scenario, monkeypatch):
    monkeypatch.setenv("STEDI_HOME", str(scenario.home))
    from stedi_dagster import definitions

    dg.Definitions.validate_loadable(build_defs(scenario.load_settings()))
    assert definitions.defs is not None
    assert not scenario.home.exists()


def test_before_anything_is_published_nobody_can_withdraw_from_it(scenario, instance):
    watch = Withdrawals(scenario, instance)
    assert watch.tick() == []
    assert watch.looks == 0


def test_a_withdrawal_of_somebody_who_is_in_a_table_starts_a_run_until_one_has_succeeded(three_published, instance):
    scenario = three_published
    watch = Withdrawals(scenario, instance)
    assert watch.tick() == []
    scenario.land("customer", customer(BOB, agreed=None, lastUpdateDate=T0 + 9000), name="bob.json")
    assert watch.tick() == []
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 9000), name="ann.json")
    [first] = watch.tick()
    looks = watch.looks
    # Dagster starts no second run under a key: while it lasts the same run is asked for.
    assert watch.tick() == [first]
    assert watch.looks == looks
    assert scenario.run().success
    assert watch.tick() == []
    assert "Nobody" in str(watch.skipped)
    assert watch.tick() == []
    assert watch.skipped == "No customer file is new, and no table."


def test_a_withdrawal_that_comes_while_a_run_publishes_its_person_for_the_first_time_starts_a_run(scenario, instance):
    watch = Withdrawals(scenario, instance)
    refusal = customer(ANN, agreed=None, lastUpdateDate=T0 + 9000)
    path = scenario.land("customer", refusal, name="ann.json")
    assert watch.tick() == []
    path.unlink()
    # A run that has listed the files before sees none of it.
    assert scenario.run().success
    scenario.land("customer", refusal, name="ann.json")
    assert len(watch.tick()) == 1


def test_a_withdrawal_is_pending_until_the_last_table_is_made_without_the_person(three_published, instance):
    scenario = three_published
    watch = Withdrawals(scenario, instance)
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 9000), name="ann.json")
    assert len(watch.tick()) == 1
    upper = ["customer_landing", "customer_trusted", "accelerometer_trusted", "customers_curated"]
    assert scenario.run(tables=upper).success
    assert len(watch.tick()) == 1
    assert scenario.run().success
    assert watch.tick() == []


def test_the_tick_looks_into_no_file(three_published, instance, monkeypatch):
    watch = Withdrawals(three_published, instance)
    three_published.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 9000), name="ann.json")
    monkeypatch.setattr("stedi_dagster.landing.documents.reader.read_documents", None)
    monkeypatch.setattr("stedi_dagster.audits.standing.withdrawals.read_documents", None)
    [asked] = watch.requests()
    assert asked.job_name == "look_for_withdrawals"
    # Until that run has ended, the same is asked for.
    assert watch.requests() == [asked]


def test_a_look_that_fails_is_made_again(three_published, instance, monkeypatch):
    watch = Withdrawals(three_published, instance)
    three_published.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 9000), name="ann.json")
    [asked] = watch.requests()
    with monkeypatch.context() as patch:
        patch.setattr("stedi_dagster.audits.standing.withdrawals.read_documents", None)
        assert not watch.look(asked).success
    [again] = watch.requests()
    assert (again.job_name, again.tags) == (asked.job_name, asked.tags)
    assert watch.look(again).success
    [found] = watch.requests()
    assert found.job_name == "everything"


def test_history_that_is_over_expires_by_the_job_too(three_published):
    scenario = three_published
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 9000), name="ann.json")
    assert scenario.run().success
    assert any(len(table.metadata.snapshots) > 1 for table in tables(scenario))
    assert scenario.run(job="expire_history", retention=0).success
    assert all(len(table.metadata.snapshots) == 1 for table in tables(scenario))
    assert orphans(scenario) == set()
