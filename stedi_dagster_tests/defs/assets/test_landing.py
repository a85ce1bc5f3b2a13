"""The landing assets: what is broken beyond a share is not published; and what is missing is said plainly."""

import shutil

import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.defs.assets.builders import (
    below,
    failure,
    materialize,
    materialized,
    metadata,
    orphans,
    snapshots,
    three_people,
)
from stedi_dagster_tests.scenario import Scenario, checks, counts, reading

NOT_JSON = '{"user": "eve@example.com", "timestamp"'


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    return three_people(tmp_path)


def land_bad(scenario: Scenario, bad: int, good: int) -> None:
    lines = [NOT_JSON] * bad
    scenario.land("accelerometer", *(reading() for _ in range(good)))
    scenario.land_text("accelerometer", "\n".join(lines), name="bad.json")


def test_a_feed_of_which_too_much_is_unreadable_is_not_published(scenario):
    land_bad(scenario, bad=6, good=94)
    result = scenario.run()
    assert not result.success
    evaluation = checks(result)["accelerometer_landing", "quarantine"]
    assert not evaluation.passed
    files = {"in accelerometer/landing/bad.json": 6}
    assert counts(evaluation) == {"records": 100, "quarantined": 6, "quarantined: not JSON": 6} | files
    assert "quarantine" in failure(result, "accelerometer_landing")
    missing = {"accelerometer_landing"} | {"accelerometer_trusted"} | below("accelerometer_trusted")
    assert materialized(result) == set(TABLES) - missing
    assert "accelerometer_landing" not in snapshots(scenario)
    assert scenario.query("SELECT feed, raw FROM quarantine") == [("accelerometer", NOT_JSON)] * 6
    assert orphans(scenario) == set()


def test_as_much_as_the_setting_allows_is_quarantined(scenario):
    land_bad(scenario, bad=5, good=95)
    result = scenario.run(tables=["accelerometer_landing"])
    assert result.success
    assert metadata(result, "accelerometer_landing")["rows_in"] == 100
    assert len(scenario.rows("accelerometer_landing")) == 95
    assert scenario.query("SELECT feed, reason, raw FROM quarantine") == [("accelerometer", "not JSON", NOT_JSON)] * 5


@pytest.mark.parametrize(("limit", "passes"), [(0.0, False), (1.0, True)])
def test_the_share_is_a_setting(scenario, limit, passes):
    land_bad(scenario, bad=1, good=99)
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(scenario, instance, "accelerometer_landing", max_bad_share=limit)
    assert result.success == passes
    assert checks(result)["accelerometer_landing", "quarantine"].passed == passes


def test_the_last_good_snapshot_stays_when_a_feed_breaks_or_the_limit_is_lowered(scenario):
    land_bad(scenario, bad=1, good=99)
    assert scenario.run().success
    before = snapshots(scenario)
    rows = scenario.rows("accelerometer_landing")
    assert not scenario.run(tables=["accelerometer_landing"], max_bad_share=0).success
    land_bad(scenario, bad=50, good=50)
    assert not scenario.run().success
    assert {name for name, snapshot in snapshots(scenario).items() if snapshot != before[name]} == {
        "accelerometer_quarantine"
    }
    assert scenario.query("SELECT count(*) FROM quarantine") == [(50,)]
    assert scenario.rows("accelerometer_landing") == rows
    assert orphans(scenario) == set()


def test_a_landing_folder_that_is_missing_is_named(scenario):
    shutil.rmtree(scenario.landing / "step_trainer")
    result = scenario.run(tables=["customer_landing", "step_trainer_landing", "customer_trusted"])
    assert "step_trainer/landing does not exist" in failure(result, "step_trainer_landing")
    assert "STEDI_LANDING" in failure(result, "step_trainer_landing")
    assert "customer_trusted" in materialized(result)


def test_empty_feeds_give_eight_empty_tables(tmp_path):
    scenario = Scenario(tmp_path)
    result = scenario.run()
    assert result.success
    assert all(evaluation.passed for evaluation in checks(result).values())
    assert {name: scenario.rows(name) for name in TABLES} == {name: [] for name in TABLES}


def test_a_table_whose_input_was_never_published_says_which(scenario):
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(scenario, instance, "customer_trusted")
        assert "customer_landing has not been published yet" in failure(result, "customer_trusted")
        assert materialize(scenario, instance, "accelerometer_landing").success
        result = scenario.run(instance, job="curated")
    assert "_trusted has not been published yet" in failure(result, "customers_curated")
    beside = {"accelerometer_quarantine", "accelerometer_landed_files"}
    assert set(snapshots(scenario)) == {"accelerometer_landing", *beside}


def test_layers_can_be_run_one_after_the_other(scenario):
    everything = three_people(scenario.folder / "at once")
    assert everything.run().success
    with dg.DagsterInstance.ephemeral() as instance:
        assert scenario.run(instance, job="landing").success
        result = materialize(scenario, instance, "customer_trusted", "accelerometer_trusted", "customers_curated")
        assert result.success
        assert scenario.run(instance, job="trusted").success
        assert scenario.run(instance, job="curated").success
    for name in set(TABLES) - {"machine_learning_curated"}:
        assert scenario.rows(name) == everything.rows(name)
