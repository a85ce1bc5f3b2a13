"""A session of EMR Serverless for each run: started once, waited for, worked on, and always ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.engines import emr_serverless, emr_token
from stedi_dagster.engines.emr_serverless import Emr, EmrServerless
from stedi_dagster.errors import AwsError, EngineError
from stedi_dagster_tests.aws.cloud import REGION, Cloud
from stedi_dagster_tests.aws.emr_standin import APPLICATION, Standin, opened
from stedi_dagster_tests.defs.assets.builders import failure, land_three_people, orphans, three_people
from stedi_dagster_tests.scenario import Scenario

ROLE = "arn:aws:iam::123456789012:role/stedi-execution"
SETTINGS: dict[str, Any] = {
    "engine": "emr-serverless",
    "emr_application_id": APPLICATION,
    "emr_execution_role_arn": ROLE,
}
WAREHOUSE = "s3://stedi-lakehouse/warehouse"


@pytest.fixture
def standin(aws: str, standin: Standin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """EMR Serverless beside S3. A test ends without a session that runs, and without a wrong field."""
    point_at(standin, monkeypatch)
    yield standin
    assert standin.running() == []
    assert standin.violations == []


def point_at(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", standin.url)
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(standin.roots))
    monkeypatch.setattr(emr_serverless, "_POLL_SECONDS", 0.02)
    standin.seconds_a_state = 0.0


@pytest.fixture
def told() -> list[str]:
    """What the engine says in the run's log."""
    return []


@pytest.fixture
def engine(standin: Standin, told: list[str]) -> Callable[..., EmrServerless]:
    """The engine, of a run."""

    def make(run_id: str = "run-1", note: Callable[[dict[str, str]], None] = lambda _: None, **emr: Any) -> Any:
        where = Emr(APPLICATION, ROLE, **emr)
        return EmrServerless(where, run_id=run_id, warehouse=WAREHOUSE, tell=told.append, note=note)

    return make


def secrets_in(instance: dg.DagsterInstance, standin: Standin, *texts: str) -> list[str]:
    """The tokens that an instance's events and runs, or some texts, hold."""
    run = instance.get_runs()[0]
    events = [str(record.event_log_entry) for record in instance.get_records_for_run(run.run_id).records]
    everything = "\n".join([*events, str(run), str(run.run_config), *texts])
    return [token for token in standin.tokens if token in everything]


def test_a_run_works_on_one_session_and_ends_it(standin, cloud: Cloud, capfd):
    land_three_people(cloud)
    cloud.upload()
    with dg.DagsterInstance.local_temp() as instance:
        result = cloud.run(instance, **SETTINGS)
        assert result.success
        assert {table: len(cloud.rows(table)) for table in TABLES}["machine_learning_curated"] == 4
        assert standin.started == 1
        [session] = standin.sessions.values()
        assert session.tags == {"stedi:run-id": result.run_id, "stedi:warehouse": WAREHOUSE}
        assert session.name == f"stedi/{result.run_id}"
        tags = instance.get_runs()[0].tags
        assert tags["stedi/emr_session"] == session.id
        assert "vCPU hours" in tags["stedi/emr_billed"]
        assert tags["stedi/emr_dashboard"].startswith("https://")
        assert "?" not in tags["stedi/emr_dashboard"]
        output = capfd.readouterr()
        assert "is STARTED" in output.err + output.out or "is IDLE" in output.err + output.out
        assert standin.tokens
        assert secrets_in(instance, standin, output.out, output.err) == []


@pytest.mark.java
def test_a_run_works_on_apache_spark_behind_emr_serverless(aws, spark_url, tmp_path, monkeypatch):
    scenario = three_people(tmp_path)
    with opened(spark_url, tmp=tmp_path) as standin:
        point_at(standin, monkeypatch)
        # Spark on this machine reads no s3://, which the settings would insist on.
        settings = scenario.load_settings().model_copy(update=SETTINGS)
        job = build_defs(settings).resolve_job_def("everything")
        assert job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False).success
        assert len(scenario.rows("machine_learning_curated")) == 4
        assert (standin.started, standin.running(), standin.violations) == (1, [], [])


@pytest.mark.parametrize("state", ["SUBMITTED", "STARTING"])
def test_a_session_that_fails_to_start_says_why_and_where_its_logs_are(standin, engine, state):
    standin.application["monitoringConfiguration"] = {
        "s3MonitoringConfiguration": {"logUri": "s3://stedi-lakehouse/logs/emr/"}
    }
    standin.fail_at(state, "no capacity in the subnet")
    with (
        pytest.raises(EngineError, match=r"FAILED: no capacity in the subnet.*s3://stedi-lakehouse/logs/emr/"),
        engine().session(),
    ):
        pytest.fail("it did not start")


def test_a_session_that_takes_too_long_is_ended(standin, engine, monkeypatch):
    monkeypatch.setattr(emr_serverless, "_ENDS_WITHIN_SECONDS", 0)
    standin.seconds_a_state = 30
    with (
        pytest.raises(EngineError, match=r"still SUBMITTED after 0.01 minutes, and is ended"),
        engine(start_minutes=0.01).session(),
    ):
        pytest.fail("it did not start")
    standin.seconds_a_state = 0


@pytest.mark.parametrize("operation", ["GetApplication", "ListSessions", "StartSession", "GetSession"])
def test_throttling_is_waited_out(standin, engine, operation):
    standin.throttle(operation, times=2)
    with engine().session() as session:
        assert session.range(3).count() == 3


@pytest.mark.parametrize("operation", ["StartSession", "GetSessionEndpoint", "TerminateSession"])
def test_a_request_whose_answer_is_lost_is_made_again_and_starts_nothing_twice(standin, engine, operation):
    standin.lose_answer(operation)
    with engine().session() as session:
        assert session.range(3).count() == 3
    assert standin.started == 1


def test_a_start_of_which_no_answer_ever_comes_is_found_and_ended(standin, engine):
    standin.lose_answer("StartSession", times=float("inf"))
    with pytest.raises(AwsError, match="did not answer"), engine().session():
        pytest.fail("it did not start")
    assert standin.started == 1


def test_the_token_is_renewed_before_it_expires(standin, engine):
    standin.token_lifetime = emr_token._RENEWED_BEFORE.total_seconds() - 1
    with engine().session() as session:
        for _ in range(3):
            assert session.range(3).count() == 3
            standin.revoke_tokens()
    assert len(standin.tokens) > 3


def test_a_token_that_is_refused_in_the_middle_fails_the_run_and_ends_the_session(standin, cloud: Cloud):
    land_three_people(cloud)
    cloud.upload()
    standin.on_rpc = lambda number, _method: standin.revoke_tokens() if number == 40 else None
    result = cloud.run(**SETTINGS)
    assert not result.success
    standin.on_rpc = lambda _number, _method: None
    assert cloud.run(**SETTINGS).success
    assert orphans(cloud) == set()


def test_a_session_that_dies_in_the_middle_fails_the_run_clearly_and_the_next_one_succeeds(standin, cloud: Cloud):
    land_three_people(cloud)
    cloud.upload()
    standin.on_rpc = lambda number, _method: standin.die() if number == 40 else None
    with dg.DagsterInstance.local_temp() as instance:
        result = cloud.run(instance, **SETTINGS)
        assert not result.success
        failed = [event.step_key for event in result.get_step_failure_events()]
        assert "The engine failed" in failure(result, str(failed[0]))
        records = instance.get_records_for_run(result.run_id).records
        log = "\n".join(record.event_log_entry.user_message for record in records)
        assert "is FAILED: The Spark driver exited with code 137." in log
        assert secrets_in(instance, standin) == []
    standin.on_rpc = lambda _number, _method: None
    assert cloud.run(**SETTINGS).success
    assert orphans(cloud) == set()


@pytest.mark.parametrize("wrong", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_the_session_is_ended_however_the_run_ends(engine, wrong):
    with pytest.raises(wrong), engine().session():
        raise wrong


def test_a_command_that_is_stopped_ends_its_session(standin, engine, monkeypatch):
    endings: list[Callable[[], None]] = []

    @contextmanager
    def noted(ending: Callable[[], None]) -> Iterator[None]:
        endings.append(ending)
        yield

    monkeypatch.setattr(emr_serverless, "if_stopped", noted)
    with engine().session():
        assert len(standin.running()) == 1
        [ending] = endings
        ending()
        assert standin.running() == []
        # Whatever AWS says then, nobody is left to hear it.
        ending()


def test_another_spark_than_the_client_s_is_refused_before_anything_is_started(standin, engine):
    standin.application["releaseLabel"] = "emr-7.13.0"
    with pytest.raises(EngineError, match=r"release emr-7.13.0 with Spark 3.5, .* client is 4\.0"), engine().session():
        pytest.fail("it did not start")
    assert standin.started == 0


def test_an_application_without_sessions_is_refused(standin, engine):
    standin.application["interactiveConfiguration"] = {"sessionEnabled": False}
    with pytest.raises(EngineError, match="has no interactive sessions"), engine().session():
        pytest.fail("it did not start")
    assert standin.started == 0


def test_spark_properties_go_into_the_session(standin, engine):
    with engine(spark_conf={"spark.executor.cores": "2"}, idle_minutes=7).session():
        [session] = standin.sessions.values()
    [configuration] = session.overrides["runtimeConfiguration"]
    assert configuration == {"classification": "spark-defaults", "properties": {"spark.executor.cores": "2"}}
    assert session.request["idleTimeoutMinutes"] == 7


def leave(name: str, warehouse: str) -> str:
    """A session that nobody ended."""
    started = boto3.client("emr-serverless", REGION).start_session(
        applicationId=APPLICATION,
        clientToken=f"{name}-{warehouse}".replace("/", "-").replace(":", "-"),
        executionRoleArn=ROLE,
        name=name,
        tags={"stedi:warehouse": warehouse, "stedi:run-id": "gone"},
    )
    return str(started["sessionId"])


def test_a_run_ends_what_a_killed_run_of_its_warehouse_left_and_nothing_else(standin, engine, told):
    ours = [leave(f"stedi/run-{number}", WAREHOUSE) for number in range(3)]
    others = [leave("stedi/run-9", "s3://other/warehouse"), leave("notebook", WAREHOUSE)]
    with engine().session():
        running = {session.id for session in standin.running()}
        assert running.isdisjoint(ours)
        assert running > set(others)
    assert sum("which an earlier run left" in line for line in told) == 3
    client = boto3.client("emr-serverless", REGION)
    for session_id in others:
        client.terminate_session(applicationId=APPLICATION, sessionId=session_id)
        while client.get_session(applicationId=APPLICATION, sessionId=session_id)["session"]["state"] != "TERMINATED":
            pass


def reap(scenario: Scenario) -> dg.ExecuteInProcessResult:
    definitions = build_defs(scenario.load_settings(**SETTINGS))
    job = definitions.resolve_job_def("reap_sessions")
    return job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)


def test_the_reaper_job_ends_left_sessions_unless_a_run_is_going_on(standin, cloud: Cloud):
    leave("stedi/run-1", WAREHOUSE)
    with cloud.lakehouse().writing("a run", timeout=0, waiting=lambda _: None):
        assert reap(cloud).success
        assert len(standin.running()) == 1
    assert reap(cloud).success
    standin.sessions[next(iter(standin.sessions))].look()
