"""What is made from something that has changed since may wait for STEDI_FRESHNESS, and is then a warning."""

import pytest

from stedi_dagster_tests.audits.standing.auditing import Audited, audit_job, found
from stedi_dagster_tests.defs.assets.builders import three_people
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading
from stedi_dagster_tests.sql.worlds import adding, planted

SINCE = "landing folders that have changed since and are not landed again"
BEHIND = "tables published since that it was not made from"
UNKNOWN = "snapshots that no run of the platform published"


@pytest.fixture
def fresh(tmp_path, sail_url: str) -> Scenario:
    scenario = three_people(tmp_path)
    scenario.settings["engine"] = sail_url
    assert scenario.run().success
    return scenario


def test_a_file_that_nobody_lands_is_a_warning_when_its_time_is_over(fresh: Scenario, audited: Audited) -> None:
    assert audited(fresh, freshness=0)[1]["freshness"]["outcome"] == "passed"
    fresh.land("accelerometer", reading(at=T0 + 9000), name="part-2.json")
    assert audited(fresh, freshness=36)[1]["freshness"]["outcome"] == "passed"
    code, told = audited(fresh, freshness=0)
    assert (code, told["freshness"]["outcome"]) == (0, "WARN")
    assert found(told, "freshness") == [("accelerometer_landing", SINCE, 1)]
    evaluation = audit_job(fresh, freshness=0)["accelerometer_landing", "standing_freshness"]
    assert (evaluation.passed, evaluation.severity.value) == (False, "WARN")


def test_tables_made_from_an_older_landing_are_behind_until_they_are_made_again(
    fresh: Scenario, audited: Audited
) -> None:
    fresh.land("customer", customer("new@example.com"), name="part-2.json")
    assert fresh.run(job="landing").success
    assert audited(fresh, freshness=36)[1]["freshness"]["outcome"] == "passed"
    told = audited(fresh, freshness=0)[1]
    # Each asks customer_landing; of its quarantine, which both ask, too, nothing is new.
    assert found(told, "freshness") == [("customer_trusted", BEHIND, 1), ("step_trainer_trusted", BEHIND, 1)]
    assert fresh.run().success
    assert found(audited(fresh, freshness=0)[1], "freshness") == []


def test_a_snapshot_of_somebody_else_is_a_warning_at_once(fresh: Scenario, audited: Audited) -> None:
    with planted(fresh, {"customer_trusted": adding()}):
        code, told = audited(fresh)
    assert code == 0
    assert found(told, "freshness") == [("customer_trusted", UNKNOWN, 1)]
