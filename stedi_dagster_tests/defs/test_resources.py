"""What a run is given: one session, opened when it is wanted and closed however the run ends; one lock; no secrets."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import dagster as dg
import pytest

from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.defs.resources.configured import resources_for
from stedi_dagster.defs.resources.io_manager import IcebergIOManager
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.defs.resources.lock import WriterLockResource
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.defs.resources.spark import RemoteSparkResource, SparkConnectResource
from stedi_dagster.engines import Engine
from stedi_dagster.engines.remote import Remote
from stedi_dagster.engines.sail import Sail
from stedi_dagster.engines.spark import LocalSpark
from stedi_dagster.settings import Settings
from stedi_dagster.settings.policy import PRESETS
from stedi_dagster_tests.defs.assets.builders import three_people

HIDDEN = "s3cret"


class Counted(Engine):
    """An engine that notes when its sessions are opened and closed."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    @contextmanager
    def session(self) -> Iterator[Any]:
        self.noted.append("opened")
        try:
            yield f"session {len(self.noted)}"
        finally:
            self.noted.append("closed")


class CountedResource(SparkConnectResource):
    """The session of an engine that a test looks at."""

    number: int

    def engine(self) -> Engine:
        return ENGINES[self.number]


ENGINES: list[Counted] = []


def run_of(compute: Callable[[SparkConnectResource], None]) -> tuple[list[str], bool]:
    """What an engine notes of a run of two steps that do the same, and whether the run succeeded."""
    ENGINES.append(Counted())

    @dg.op
    def first(spark: SparkConnectResource) -> int:
        compute(spark)
        return 0

    @dg.op
    def second(spark: SparkConnectResource, before: int) -> None:
        compute(spark)

    @dg.job(
        resource_defs={"spark": CountedResource(number=len(ENGINES) - 1).get_resource_definition()},
        executor_def=dg.in_process_executor,
    )
    def steps() -> None:
        second(first())

    with dg.DagsterInstance.ephemeral() as instance:
        done = steps.execute_in_process(instance=instance, raise_on_error=False)
    return ENGINES[-1].noted, done.success


def executing(settings: Settings, compute: Callable[..., Any]) -> Any:
    """What an op returns that is run with the platform's resources; and the run as Dagster records it."""
    job = dg.JobDefinition(
        name="asking", graph_def=dg.GraphDefinition("asking", node_defs=[dg.op(name="ask")(compute)])
    )
    definitions = dg.Definitions.merge(build_defs(settings), dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        return definitions.resolve_job_def("asking").execute_in_process(instance=instance)


def test_the_setting_names_the_engine(tmp_path):
    def engine(spark: SparkConnectResource) -> Any:
        return spark.engine()

    for setting, kind in {"sail": Sail, "spark": LocalSpark, "sc://cluster:15002": Remote}.items():
        settings = three_people(tmp_path).load_settings(engine=setting)
        assert isinstance(executing(settings, engine).output_for_node("ask"), kind)


def test_a_session_is_opened_once_a_run_and_not_before_it_is_wanted():
    seen: list[Any] = []
    noted, success = run_of(lambda spark: seen.append(spark.spark_session))
    assert success
    assert noted == ["opened", "closed"]
    assert seen == ["session 1", "session 1"]
    assert run_of(lambda _spark: None) == ([], True)


def test_a_session_is_closed_when_the_run_fails():
    def fail(spark: SparkConnectResource) -> None:
        assert spark.spark_session
        raise ZeroDivisionError

    assert run_of(fail) == (["opened", "closed"], False)


def test_two_engines_in_one_process_have_a_session_each():
    with Sail().session() as other:

        def compare(spark: SparkConnectResource) -> None:
            assert spark.spark_session is not other

        assert run_of(compare) == (["opened", "closed"], True)


def test_a_spark_context_is_what_pyspark_says_of_it():
    @contextmanager
    def session(_engine: Engine) -> Iterator[Any]:
        with Sail().session() as made:
            yield made

    def ask(spark: SparkConnectResource) -> None:
        with pytest.raises(Exception, match="JVM_ATTRIBUTE_NOT_SUPPORTED"):
            _ = spark.spark_context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Counted, "session", session)
        assert run_of(ask)[1]


def test_whoever_depends_on_a_resource_has_the_same_one(tmp_path):
    def compare(
        lakehouse: LakehouseResource, lock: WriterLockResource, run: RunResource, tables: dg.ResourceParam[Any]
    ) -> list[bool]:
        assert isinstance(tables, IcebergIOManager)
        # What publishes must know whether the lock that the run took is still its own.
        return [lock is run.lock, *(each.lakehouse is lakehouse for each in (lock, run, tables, run.verdicts.lock))]

    done = executing(three_people(tmp_path).load_settings(), compare)
    assert done.output_for_node("ask") == [True] * 5


def test_a_token_in_the_url_of_an_engine_is_not_recorded(tmp_path, monkeypatch):
    url = f"sc://cluster:15002/;token={HIDDEN}"
    monkeypatch.setenv("STEDI_ENGINE", url)

    def location(spark: RemoteSparkResource) -> bool:
        return spark.url == url

    done = executing(three_people(tmp_path).load_settings(), location)
    assert done.output_for_node("ask")
    assert HIDDEN not in json.dumps(done.dagster_run.run_config)
    assert HIDDEN not in str([event.message for event in done.all_events])
    job = build_defs(three_people(tmp_path).load_settings()).resolve_job_def("everything")
    assert HIDDEN not in dg.serialize_value(job.get_job_snapshot())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_rules_that_are_set_are_those_of_the_run(tmp_path, preset):
    found = []

    @dg.op
    def look(run: RunResource) -> None:
        found.append(run.policy.policy())

    @dg.job(resource_defs=resources_for(Settings.load(home=tmp_path, preset=preset)))
    def looking() -> None:
        look()

    assert looking.execute_in_process(instance=dg.DagsterInstance.ephemeral()).success
    assert found == [PRESETS[preset]]


class Chosen(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A resource with a choice of values, and a default."""

    choice: Literal["this", "that"] = "this"


def test_dagster_gives_back_the_default_of_a_choice_that_is_configured_at_launch():
    """Pins the quirk for which the rules are one field; where it fails, they may be several."""
    chosen = Chosen.configure_at_launch(choice="that")
    found = []

    @dg.op
    def look(chosen: Chosen) -> None:
        found.append(chosen.choice)

    @dg.job(resource_defs={"chosen": chosen})
    def looking() -> None:
        look()

    assert looking.execute_in_process(instance=dg.DagsterInstance.ephemeral()).success
    assert found == ["this"]
