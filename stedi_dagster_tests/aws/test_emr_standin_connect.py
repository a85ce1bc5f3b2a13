"""The stand-in's Spark Connect endpoints demand TLS and a token, forward the rest, and go away when told to."""

import threading
import time
from contextlib import AbstractContextManager
from typing import Any

import grpc
import pytest
from pyspark.errors import AnalysisException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import SparkSession
from pyspark.sql.connect.proto import ConfigRequest

from stedi_dagster.engines import base
from stedi_dagster_tests.aws.emr_client import EmrClient
from stedi_dagster_tests.aws.emr_standin import TOKEN_HEADER, Standin

CONFIG = "/spark.connect.SparkConnectService/Config"


def connected(found: Any) -> AbstractContextManager[SparkSession]:
    """PySpark on an endpoint, by a URL such as AWS's user guide has."""
    address = found["endpoint"].replace("https://", "sc://")
    return base.connected(f"{address}/;use_ssl=true;{TOKEN_HEADER}={found['authToken']}")


def impatient(session: Any) -> Any:
    """A session that does not try for seconds to reach who is gone."""
    session.client.set_retry_policies([])
    return session


def asked(standin: Standin, found: Any, *headers: tuple[str, str]) -> grpc.StatusCode:
    """What a request with these headers meets."""
    roots = grpc.ssl_channel_credentials(standin.roots.read_bytes())
    with grpc.secure_channel(found["endpoint"].removeprefix("https://"), roots) as channel:
        request = ConfigRequest(session_id="00112233-4455-6677-8899-aabbccddeeff")
        request.operation.get_all.SetInParent()
        try:
            channel.unary_unary(CONFIG, ConfigRequest.SerializeToString)(request, metadata=headers, timeout=600)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK


def calms_down() -> bool:
    """Whether Sail, which runs in this process, soon works no more."""
    # Without limit it works for hours.
    for _ in range(600):
        before = time.process_time()
        time.sleep(0.2)
        if time.process_time() - before < 0.1:
            return True
    return False


def test_spark_connect_is_there_with_a_token_and_with_tls(standin: Standin, client: EmrClient) -> None:
    session_id = client.ready()
    found = client.endpoint(session_id)
    states: list[str] = []
    standin.on_rpc = lambda _number, _method: states.append(standin.sessions[session_id].state)
    with connected(found) as session:
        assert session.range(5).count() == 5
        frame = session.createDataFrame([(1, "a"), (2, "b")], "id int, name string")
        assert [row.name for row in frame.orderBy("id").collect()] == ["a", "b"]
        with pytest.raises(AnalysisException, match="nowhere"):
            session.sql("SELECT * FROM nowhere").collect()
    assert {"STARTED", "IDLE"} <= set(states)
    assert "BUSY" in standin.sessions[session_id].history
    assert {"Config", "ExecutePlan"} <= set(standin.rpcs)
    assert standin.tokens == [found["authToken"]]
    assert standin.violations == []


def test_spark_connect_demands_the_token_of_this_session_while_it_is_good(standin: Standin, client: EmrClient) -> None:
    session_id, other = client.ready(), client.ready()
    found, others = client.endpoint(session_id), client.endpoint(other)
    good = (TOKEN_HEADER, found["authToken"])
    unauthenticated = grpc.StatusCode.UNAUTHENTICATED
    assert asked(standin, found, good) is grpc.StatusCode.OK
    assert asked(standin, found) is unauthenticated
    assert asked(standin, found, (TOKEN_HEADER, "wrong")) is unauthenticated
    assert asked(standin, found, (TOKEN_HEADER, others["authToken"])) is unauthenticated
    assert asked(standin, found, ("authorization", f"Bearer {found['authToken']}")) is unauthenticated
    standin.token_lifetime = 0.2
    short = (TOKEN_HEADER, client.endpoint(session_id)["authToken"])
    assert asked(standin, found, short) is grpc.StatusCode.OK
    standin.later(0.2)
    assert asked(standin, found, short) is unauthenticated
    assert asked(standin, found, good) is grpc.StatusCode.OK
    standin.revoke_tokens()
    assert asked(standin, found, good) is unauthenticated
    client.end(session_id)
    assert asked(standin, found, good) is grpc.StatusCode.UNAVAILABLE


def test_a_token_can_expire_in_mid_run(standin: Standin, client: EmrClient) -> None:
    with connected(client.endpoint(client.ready())) as session:
        impatient(session).range(1).count()
        standin.revoke_tokens()
        with pytest.raises(SparkConnectGrpcException, match="expired"):
            session.range(1).count()


def test_the_driver_can_die_under_a_running_request(standin: Standin, client: EmrClient) -> None:
    session_id = client.ready()
    with connected(client.endpoint(session_id)) as session:
        running = threading.Event()
        standin.on_rpc = lambda _number, method: running.set() if method == "ExecutePlan" else None

        def die_in_the_middle() -> None:
            running.wait()
            time.sleep(0.3)
            standin.die()

        threading.Thread(target=die_in_the_middle, daemon=True).start()
        with pytest.raises(SparkConnectGrpcException):
            impatient(session).range(10**14).selectExpr("sum(id % 7)").collect()
    assert client.get(session_id)["state"] == "FAILED"
    assert "137" in client.get(session_id)["stateDetails"]
    assert standin.running() == []
    assert calms_down()


@pytest.mark.parametrize("state", ["STARTED", "IDLE", "BUSY"])
def test_a_session_fails_under_its_first_request(standin: Standin, client: EmrClient, state: str) -> None:
    session_id = client.ready()
    if state == "IDLE":
        client.until("IDLE", session_id)
    found = client.endpoint(session_id)
    standin.seconds_a_state = 3600
    standin.fail_at(state)
    assert asked(standin, found, (TOKEN_HEADER, found["authToken"])) is grpc.StatusCode.UNAVAILABLE
    assert standin.sessions[session_id].history[-2:] == [state, "FAILED"]
