"""Releases in Dagster: the job that creates one, and the runs that cut them again."""

from typing import Any

import dagster as dg
import pytest

from stedi_dagster.defs.definitions import build_defs
from stedi_dagster_tests.releases.worlds import PEOPLE, make, released, withdraw
from stedi_dagster_tests.scenario import Scenario


def create(scenario: Scenario, **config: Any) -> dg.ExecuteInProcessResult:
    job = build_defs(scenario.load_settings()).resolve_job_def("release")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            run_config={"ops": {"make_release": {"config": config}}}, raise_on_error=False, instance=instance
        )


def materialized(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return list(result.asset_materializations_for_node("make_release"))


def test_the_job_creates_a_release(world):
    result = create(world, name="2026-11", note="for the autumn's model")
    assert result.success
    [made] = materialized(result)
    told = {name: made.metadata[name].value for name in ("release", "revision", "rows", "participants")}
    assert told == {"release": "2026-11", "revision": 1, "rows": 60, "participants": 24}
    assert "for the autumn's model" in str(made.metadata["card"].value)
    assert released(world, "2026-11").current.rows == 60


def test_the_job_says_why_it_creates_none(world):
    withdraw(world, PEOPLE[0])
    result = create(world, name="2026-11")
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert "withdrawals: customer_trusted, 1 person" in str(said.description)
    assert PEOPLE[0] not in str(result.all_events)


def test_a_run_materializes_releases_only_where_somebody_has_left(world):
    assert materialized(world.run()) == []
    make(world)
    assert materialized(world.run()) == []
    withdraw(world, PEOPLE[3])
    [made] = materialized(world.run())
    assert made.metadata["rows_gone"].value == 4
    table: Any = made.metadata["cut_again"]
    assert [record.data for record in table.records] == [{"release": "first, revision 2", "rows": 4}]


@pytest.mark.parametrize("job", ["everything", "curated"])
def test_whatever_makes_machine_learning_curated_cuts_releases(world, job):
    definitions = build_defs(world.load_settings())
    selected = definitions.resolve_job_def(job).asset_layer.executable_asset_keys
    assert {dg.AssetKey("machine_learning_curated"), dg.AssetKey("ml_release")} <= set(selected)


def test_the_asset_says_where_its_columns_come_from(world):
    definitions = build_defs(world.load_settings())
    spec = next(spec for spec in definitions.resolve_all_asset_specs() if spec.key.path == ["ml_release"])
    assert (spec.group_name, spec.tags["personal_data"]) == ("releases", "pseudonym")
    assert [dep.asset_key.path for dep in spec.deps] == [["machine_learning_curated"]]
