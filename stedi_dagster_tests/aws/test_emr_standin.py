"""The stand-in for EMR Serverless is as AWS's model has it, and misbehaves as it is told to."""

import time
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError, ReadTimeoutError

from stedi_dagster_tests.aws.emr_client import ROLE, TAGS, EmrClient
from stedi_dagster_tests.aws.emr_standin import APPLICATION, Standin

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=t/20260101/eu-west-1/emr-serverless/aws4_request"}


def refused(found: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = found.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_session_goes_through_its_states_and_says_what_it_used(standin: Standin, client: EmrClient) -> None:
    overrides = {"runtimeConfiguration": [{"classification": "spark-defaults", "properties": {"a": "b"}}]}
    session_id = client.start(configurationOverrides=overrides, idleTimeoutMinutes=15)
    assert "startedAt" not in client.get(session_id)
    assert client.until("IDLE", session_id) == ["SUBMITTED", "STARTING", "STARTED", "IDLE"]
    before = client.get(session_id)
    assert (before["tags"], before["configurationOverrides"], before["name"]) == (TAGS, overrides, "stedi/1")
    assert standin.sessions[session_id].spark_conf == {"a": "b"}
    assert standin.running() == [standin.sessions[session_id]]
    client.end(session_id)
    assert client.until("TERMINATED", session_id) == ["TERMINATING", "TERMINATED"]
    after = client.get(session_id)
    used, billed = after["totalResourceUtilization"], after["billedResourceUtilization"]
    assert used["vCPUHour"] > before["totalResourceUtilization"]["vCPUHour"]
    assert billed["vCPUHour"] == pytest.approx(12 / 60)
    assert after["endedAt"] > after["startedAt"]
    assert (standin.running(), standin.started, standin.violations) == ([], 1, [])


def test_a_session_can_be_slow_and_at_once(standin: Standin, client: EmrClient) -> None:
    standin.seconds_a_state = 3600
    session_id = client.start()
    assert [client.get(session_id)["state"] for _ in range(3)] == ["SUBMITTED"] * 3
    standin.seconds_a_state = 0
    assert client.get(session_id)["state"] == "IDLE"


def test_an_idle_session_ends_by_itself(standin: Standin, client: EmrClient) -> None:
    standin.seconds_a_state, standin.seconds_a_minute = 0, 0.05
    session_id = client.start(idleTimeoutMinutes=2)
    assert client.until("IDLE", session_id) == ["IDLE"]
    standin.later(0.1)
    assert client.until("TERMINATED", session_id) == ["TERMINATED"]


@pytest.mark.parametrize("state", ["SUBMITTED", "STARTING", "STARTED", "IDLE", "TERMINATING"])
def test_a_session_fails_where_it_is_told_to(standin: Standin, client: EmrClient, state: str) -> None:
    standin.fail_at(state, "no capacity")
    session_id = client.start()
    if state == "TERMINATING":
        client.end(session_id)
    assert client.until("FAILED", session_id)[-2:] == [state, "FAILED"]
    assert client.get(session_id)["stateDetails"] == "no capacity"
    assert standin.running() == []
    with pytest.raises(ClientError) as found:
        client.end(session_id)
    assert refused(found) == ("ValidationException", 400)


def test_one_client_token_makes_one_session(standin: Standin, client: EmrClient) -> None:
    assert client.start(clientToken="a") == client.start(clientToken="a") != client.start(clientToken="b")
    assert standin.started == 2
    with pytest.raises(ClientError) as found:
        client.start(clientToken="a", name="stedi/2")
    assert refused(found) == ("ConflictException", 409)


def test_sessions_are_listed_in_pages_and_by_state(standin: Standin, client: EmrClient) -> None:
    started = [client.start() for _ in range(5)]
    client.end(started[2])
    pages = client.boto.get_paginator("list_sessions").paginate
    found = list(pages(applicationId=APPLICATION))
    assert [len(page["sessions"]) for page in found] == [2, 2, 1]
    assert not any("tags" in one for page in found for one in page["sessions"])
    listed = [
        one["sessionId"]
        for page in pages(applicationId=APPLICATION, states=["SUBMITTED", "STARTING"])
        for one in page["sessions"]
    ]
    assert listed == [started[0], started[1], started[3], started[4]]


def test_tags_can_be_changed_and_asked_for(client: EmrClient) -> None:
    arn = client.get(client.start())["arn"]
    client.boto.tag_resource(resourceArn=arn, tags={"more": "yes"})
    assert client.boto.list_tags_for_resource(resourceArn=arn)["tags"] == {**TAGS, "more": "yes"}


def test_a_dashboard_is_told_with_a_secret_in_it(standin: Standin, client: EmrClient) -> None:
    url = client.boto.get_resource_dashboard(
        applicationId=APPLICATION, resourceId=client.start(), resourceType="SESSION"
    )["url"]
    assert url.endswith(standin.tokens[-1])


def test_what_is_not_there_and_what_is_not_enabled_is_refused(standin: Standin, client: EmrClient) -> None:
    for call in (lambda: client.get("nosuch"), lambda: client.start(applicationId="nosuch")):
        with pytest.raises(ClientError) as found:
            call()
        assert refused(found) == ("ResourceNotFoundException", 404)
    with pytest.raises(ClientError, match="has no endpoint"):
        client.endpoint(client.start())
    standin.application.update(state="STOPPED", autoStartConfiguration={"enabled": False})
    with pytest.raises(ClientError, match="not STARTED"):
        client.start()
    client.boto.start_application(applicationId=APPLICATION)
    del standin.application["interactiveConfiguration"]
    with pytest.raises(ClientError, match="not enabled"):
        client.start()
    assert standin.violations == []


def test_throttled_requests_are_answered_429_and_may_be_tried_again(standin: Standin) -> None:
    standin.throttle("StartSession", 2)
    with pytest.raises(ClientError) as found:
        EmrClient(standin).start()
    assert refused(found) == ("ThrottlingException", 429)
    EmrClient(standin, retries={"total_max_attempts": 2, "mode": "standard"}).start()
    assert (standin.requests, standin.started) == (["StartSession"] * 3, 1)


def test_a_lost_answer_is_of_something_that_was_done(standin: Standin) -> None:
    standin.lose_answer("StartSession", 2)
    with pytest.raises(ConnectionClosedError):
        EmrClient(standin).start()
    assert standin.started == 1
    # What is tried again bears the same client token.
    session_id = EmrClient(standin, retries={"total_max_attempts": 2, "mode": "standard"}).start()
    assert (standin.started, list(standin.sessions)[1]) == (2, session_id)


def test_silence_and_slowness(standin: Standin) -> None:
    standin.silence("GetApplication", 1)
    standin.slow("GetApplication", 0.3, 1)
    with pytest.raises(ReadTimeoutError):
        EmrClient(standin, read_timeout=1).boto.get_application(applicationId=APPLICATION)
    before = time.monotonic()
    assert EmrClient(standin).boto.get_application(applicationId=APPLICATION)["application"]["state"] == "STARTED"
    assert time.monotonic() - before >= 0.3


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"clientToken": "a", "executionRoleArn": ROLE, "nmae": "x"}, "nmae"),
        ({"clientToken": "a"}, "executionRoleArn"),
        ({"clientToken": "a", "executionRoleArn": "arn:aws:iam::1:role/stedi"}, "does not match"),
        ({"clientToken": "a", "executionRoleArn": ROLE, "name": 1}, "Invalid type"),
        ({"clientToken": "a", "executionRoleArn": ROLE, "idleTimeoutMinutes": 1_000_001}, "is above"),
        ({"clientToken": "a", "executionRoleArn": ROLE, "tags": {"a": "é"}}, "does not match"),
    ],
)
def test_a_wrong_field_is_refused_and_noted(standin: Standin, sent: Any, problem: str) -> None:
    found = requests.post(f"{standin.url}/applications/{APPLICATION}/sessions", json=sent, headers=SIGNED, timeout=600)
    assert (found.status_code, found.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert problem in standin.violations[0]
    assert standin.started == 0


def test_a_wrong_query_path_and_signature_are_refused(standin: Standin, client: EmrClient) -> None:
    sessions = f"{standin.url}/applications/{APPLICATION}/sessions"
    assert requests.get(sessions, timeout=600).status_code == 403
    assert requests.get(f"{sessions}?states=ASLEEP", headers=SIGNED, timeout=600).status_code == 400
    assert requests.get(f"{sessions}?state=IDLE", headers=SIGNED, timeout=600).status_code == 400
    assert requests.get(f"{standin.url}/nothing", headers=SIGNED, timeout=600).status_code == 404
    assert len(standin.violations) == 3


def test_a_wrong_answer_is_not_sent_but_noted(standin: Standin, client: EmrClient) -> None:
    standin.application["relaseLabel"] = "emr-spark-8.0.0"
    with pytest.raises(ClientError) as found:
        client.boto.get_application(applicationId=APPLICATION)
    assert refused(found) == ("InternalServerException", 500)
    assert "relaseLabel" in standin.violations[0]


def test_boto3_would_not_send_an_unknown_field_at_all(client: EmrClient) -> None:
    with pytest.raises(ParamValidationError):
        client.start(nmae="x")
