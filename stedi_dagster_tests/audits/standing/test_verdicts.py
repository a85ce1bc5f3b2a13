"""Standing checks keep their verdict until somebody is judged anew, and the run that mends a table says so."""

import asyncio
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.loader import LoadingContextForTest

from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.defs.alerts.endings import endings_without_a_run
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

KEYS = [dg.AssetCheckKey(dg.AssetKey(table), audit.check) for audit in AUDITS for table in audit.on]
ANN, BEN = "ann@example.com", "ben@example.com"
WITHDRAWALS = ("customer_trusted", "standing_withdrawals")


def shown(instance: dg.DagsterInstance) -> dict[tuple[str, str], str | None]:
    """What the UI shows of each standing check; None for "not evaluated"."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(KEYS)

    async def look() -> dict[tuple[str, str], str | None]:
        context = LoadingContextForTest(instance)
        found: dict[tuple[str, str], str | None] = {}
        for key in KEYS:
            record = latest.get(key)
            status = await record.resolve_status(context) if record else None
            current = record is not None and await record.targets_latest_materialization(context)
            found[key.asset_key.path[-1], key.name] = status.value if status and current else None
        return found

    return asyncio.run(look())


def told(instance: dg.DagsterInstance, table: str, check: str) -> dg.AssetCheckEvaluation:
    record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(dg.AssetKey(table), check))
    assert record is not None
    assert record.evaluation is not None
    return record.evaluation


def on(shown: dict[tuple[str, str], str | None], table: str) -> set[str | None]:
    return {status for (where, _), status in shown.items() if where == table}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Iterator[dict[str, Any]]:
    """What was shown, from run to run, of two people of whom one withdraws."""
    scenario = Scenario(tmp_path_factory.mktemp("verdicts"), {"engine": sail_url})
    scenario.land("customer", customer(ANN), customer(BEN))
    scenario.land("accelerometer", *(reading(person) for person in (ANN, BEN)))
    scenario.land("step_trainer", *(step(f"serial-of-{person}") for person in (ANN, BEN)))
    seen: dict[str, Any] = {}
    with dg.DagsterInstance.ephemeral() as instance:

        def look(when: str, result: dg.ExecuteInProcessResult) -> None:
            seen[when] = shown(instance)
            seen[f"run {when}"] = result

        def evaluation(when: str, table: str, check: str) -> None:
            seen[f"evaluation {when}"] = told(instance, table, check)

        look("first", scenario.run(instance))
        look("audited", scenario.run(instance, job="audit"))
        evaluation("audited", "customer_trusted", "standing_consent")
        for when in ("again", "and again"):
            look(when, scenario.run(instance))
            evaluation(when, "customer_trusted", "standing_consent")
        scenario.land("customer", customer(BEN, agreed=None, lastUpdateDate=T0 + 5000), name="part-2.json")
        look("withdrawn", scenario.run(instance, job="audit"))
        look("mended", scenario.run(instance))
        evaluation("mended", *WITHDRAWALS)
        seen["endings"] = endings_without_a_run(instance, 0)
        # As the UI materializes a table: with every check on it.
        scenario.land_text("customer", "?\n", name="part-3.json")
        chosen = dg.define_asset_job(
            "chosen", dg.AssetSelection.assets("customer_landing").required_multi_asset_neighbors()
        )
        defs = dg.Definitions.merge(build_defs(scenario.load_settings(max_bad_share=0)), dg.Definitions(jobs=[chosen]))
        before = shown(instance)
        job = defs.resolve_job_def("chosen")
        look("refused", job.execute_in_process(instance=instance, raise_on_error=False))
        seen["before refused"] = before
        yield seen


def test_before_anybody_has_audited_nothing_is_claimed(story: dict[str, Any]) -> None:
    assert set(story["first"].values()) == {None}
    assert set(story["audited"].values()) == {"SUCCEEDED"}


def test_a_run_that_changes_nothing_leaves_every_verdict_as_it_was(story: dict[str, Any]) -> None:
    assert {key for key, status in story["again"].items() if status != "SUCCEEDED"} == set()
    assert {key for key, status in story["and again"].items() if status != "SUCCEEDED"} == set()


def test_a_verdict_that_is_kept_says_once_when_it_was_come_to(story: dict[str, Any]) -> None:
    first, second = story["evaluation again"], story["evaluation and again"]
    assert str(first.description).startswith("Nothing was found. Judged 20")
    assert str(first.description).endswith(" UTC; the table has not changed since.")
    assert (second.description, second.metadata) == (first.description, first.metadata)
    assert story["evaluation audited"].metadata.items() <= first.metadata.items()


def test_a_recovery_is_told_by_the_run_that_brought_it(story: dict[str, Any]) -> None:
    assert story["withdrawn"][WITHDRAWALS] == "FAILED"
    assert story["mended"][WITHDRAWALS] == "SUCCEEDED"
    run_id = story["run mended"].run_id
    assert story["evaluation mended"].metadata["judged_by"].value == run_id
    assert run_id in {ending.run_id for ending in story["endings"] if ending.check == "standing_withdrawals"}


def test_of_a_table_that_is_new_only_what_had_failed_is_judged_again(story: dict[str, Any]) -> None:
    after = story["mended"]
    assert after["customer_trusted", "standing_consent"] is None
    assert on(after, "machine_learning_curated") == {None}
    # Its landing tables but for the customers' have stayed as they were.
    assert on(after, "accelerometer_landing") == {"SUCCEEDED"}


def test_what_was_planned_with_a_table_that_is_refused_keeps_its_verdict(story: dict[str, Any]) -> None:
    assert not story["run refused"].success
    assert "EXECUTION_FAILED" not in story["refused"].values()
    landed = "customer_landing"
    assert on(story["refused"], landed) == {"SUCCEEDED"}
