"""Audits of a clean world are quiet; what keeps them from running is said, and nobody in it is named."""

import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.settings.policy import PRESETS
from stedi_dagster_tests.audits.standing.auditing import Audited, audit_job
from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.scenario import Scenario, checks
from stedi_dagster_tests.sql.worlds import everybody

ON = {(table, audit.check) for audit in AUDITS for table in audit.on}


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    """Everybody, published under one set of rules after the other."""
    return everybody(tmp_path_factory.mktemp("changing"), engine=sail_url)


@pytest.mark.parametrize("preset", PRESETS)
def test_all_is_quiet_where_all_is_well(changing: Scenario, audited: Audited, preset: str) -> None:
    assert changing.run(preset=preset).success
    code, told = audited(changing, preset=preset, freshness=0)
    assert code == 0
    assert {name: audit["outcome"] for name, audit in told.items()} == {audit.name: "passed" for audit in AUDITS}
    evaluations = audit_job(changing, preset=preset, freshness=0)
    assert evaluations.keys() == ON
    assert all(evaluation.passed for evaluation in evaluations.values())


def test_people_are_told_in_a_table(world: Scenario, stedi: Stedi) -> None:
    result = stedi("audit", home=world.home, landing=world.landing)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["audit", "on", "outcome", "rows", "what"]
    assert [line.split()[0] for line in lines[1:]] == [audit.name for audit in AUDITS]
    assert all("passed" in line for line in lines[1:])


def test_what_the_command_finds_is_in_the_instance_that_the_ui_shows(world: Scenario, audited: Audited) -> None:
    audited(world)
    with dg.DagsterInstance.from_config(str(world.home / "dagster")) as instance:
        keys = [dg.AssetCheckKey(dg.AssetKey(table), check) for table, check in ON]
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert latest.keys() == set(keys)
    for record in latest.values():
        assert record.event is not None
        assert record.event.dagster_event is not None
        evaluation = record.event.dagster_event.asset_check_evaluation_data
        assert evaluation.passed
        assert evaluation.metadata["rows"].value == 0


def test_a_part_of_them_can_be_run_by_itself(world: Scenario) -> None:
    keys = [dg.AssetCheckKey(dg.AssetKey("machine_learning_curated"), "standing_consent")]
    job = dg.define_asset_job("some", selection=dg.AssetSelection.checks(*keys))
    defs = dg.Definitions.merge(build_defs(world.load_settings()), dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("some").execute_in_process(instance=dg.DagsterInstance.ephemeral())
    assert checks(result).keys() == {("machine_learning_curated", "standing_consent")}


def test_no_other_job_runs_them_and_no_check_of_the_gate_has_their_name(world: Scenario) -> None:
    defs = build_defs(world.load_settings())

    def checked_by(job: str) -> set[tuple[str, str]]:
        keys = defs.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys
        return {(key.asset_key.path[-1], key.name) for key in keys}

    assert checked_by("audit") == ON
    for job in ("everything", "landing", "trusted", "curated"):
        names = {name for _, name in checked_by(job)}
        assert "contract" in names
        assert names.isdisjoint(name for _, name in ON), job
    schedule = defs.resolve_schedule_def("audits")
    assert (schedule.job_name, schedule.cron_schedule) == ("audit", "30 * * * *")


def test_where_nothing_is_published_one_sentence_says_so(tmp_path, stedi: Stedi) -> None:
    scenario = Scenario(tmp_path)
    result = stedi("audit", home=scenario.home, landing=scenario.landing)
    assert result.exit_code == 2
    assert result.stderr.startswith("stedi: Nothing is published in ")
    assert result.stderr.count("\n") == 1
    evaluations = audit_job(scenario)
    assert evaluations.keys() == ON
    for evaluation in evaluations.values():
        assert not evaluation.passed
        assert str(evaluation.description).startswith("The audit could not run: Nothing is published yet")


def test_an_audit_of_a_table_that_is_not_published_has_failed_and_names_it(
    tmp_path, sail_url: str, audited: Audited
) -> None:
    scenario = Scenario(tmp_path, {"engine": sail_url})
    scenario.land_text("customer", "{")
    assert not scenario.run().success
    code, told = audited(scenario)
    assert code == 1
    assert told["personal_data"]["outcome"] == "ERROR"
    assert told["personal_data"]["could_not_run"].startswith("The audit could not run: ")
    assert "machine_learning_curated" in told["personal_data"]["could_not_run"]
    assert "is not published yet: run `stedi run`." in told["personal_data"]["could_not_run"]


@pytest.fixture
def damaged(tmp_path, sail_url: str) -> Callable[[Callable[[Path], object]], Scenario]:
    """Everybody, and something done to the files of machine_learning_curated."""

    def damage(how: Callable[[Path], object]) -> Scenario:
        scenario = everybody(tmp_path, engine=sail_url)
        assert scenario.run().success
        table = scenario.lakehouse().table("machine_learning_curated")
        assert table is not None
        for task in table.scan().plan_files():
            how(Path(task.file.file_path))
        return scenario

    return damage


def test_an_audit_that_cannot_read_a_file_has_failed_and_quotes_nothing(damaged, audited: Audited) -> None:
    # Its footer stays, so that only those who read its rows notice.
    scenario = damaged(lambda file: file.write_bytes(b"PAR1" + b"?" * 200 + file.read_bytes()[204:]))
    code, told = audited(scenario)
    assert code == 1
    assert told["one_row_a_person"]["outcome"] == "passed"
    assert told["duplicates"]["outcome"] == "ERROR"
    reason = told["duplicates"]["could_not_run"]
    assert re.fullmatch(r"The audit could not run: reading the tables failed \(\w+\)\.", reason)
    evaluation = audit_job(scenario)["machine_learning_curated", "standing_duplicates"]
    assert (evaluation.passed, evaluation.description) == (False, reason)


def test_an_audit_whose_files_are_gone_has_failed_and_names_none(damaged, audited: Audited) -> None:
    scenario = damaged(Path.unlink)
    code, told = audited(scenario)
    assert code == 1
    assert "The tables cannot be read (IOException)" in told["consent"]["could_not_run"]
    assert str(scenario.home) not in told["consent"]["could_not_run"]
    evaluation = audit_job(scenario)["customer_trusted", "standing_consent"]
    assert "The tables cannot be read (IOException)" in str(evaluation.description)


def test_a_run_that_goes_on_is_waited_for_and_not_judged_by_half(world: Scenario, stedi: Stedi) -> None:
    with world.lakehouse().writing("run 1", timeout=0, waiting=lambda _: None):
        result = stedi("audit", home=world.home, landing=world.landing, lock_timeout=0)
        evaluations = audit_job(world, lock_timeout=0)
    assert result.exit_code == 2
    assert "run 1" in result.stderr
    assert all("run 1" in str(evaluation.description) for evaluation in evaluations.values())


def test_a_run_that_also_audits_does_not_wait_for_itself(tmp_path, sail_url: str) -> None:
    scenario = everybody(tmp_path, engine=sail_url, lock_timeout=0)
    job = dg.define_asset_job("both", selection=dg.AssetSelection.all())
    defs = dg.Definitions.merge(build_defs(scenario.load_settings()), dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("both").execute_in_process(instance=dg.DagsterInstance.ephemeral())
    found = checks(result)
    assert found.keys() > ON
    assert {table for table, _ in found} == set(TABLES)
    assert all(found[each].passed for each in ON)
