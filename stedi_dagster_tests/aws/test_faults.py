"""What AWS does on a bad day ends in a retry that succeeds or in one clear error, with whole tables either way."""

from collections.abc import Callable, Iterator

import pytest

from stedi_dagster_tests.assets.builders import ANN, contents, failure, land_three_people, orphans, snapshots
from stedi_dagster_tests.aws.cloud import Cloud
from stedi_dagster_tests.aws.conftest import environment
from stedi_dagster_tests.aws.gate import (
    DENIED,
    EXPIRED,
    LOST_ANSWER,
    NO_ANSWER,
    OVERTAKEN,
    SLOW_DOWN,
    Answer,
    Gate,
    Request,
    always,
    first,
    opened,
)
from stedi_dagster_tests.scenario import T0, customer

TABLE = "customer_trusted"


def in_warehouse(request: Request) -> bool:
    return "/warehouse/" in request.path


def writing(request: Request) -> bool:
    """Writing a file of the table, by the engine or by ourselves."""
    return request.method == "PUT" and f"/{TABLE}/data/" in request.path


def reading(request: Request) -> bool:
    return request.method == "GET" and f"/{TABLE}/data/" in request.path


def listing(request: Request) -> bool:
    return request.method == "GET" and f"{TABLE}" in request.path and "list-type=2" in request.path


def metadata(request: Request) -> bool:
    return request.method == "PUT" and f"/{TABLE}/metadata/" in request.path


def committing(request: Request) -> bool:
    return request.target.endswith(".UpdateTable")


@pytest.fixture
def gate(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """All of AWS behind a gate that behaves until it is told not to."""
    with opened(aws) as gate:
        for name, value in environment(gate.url).items():
            monkeypatch.setenv(name, value)
        yield gate


@pytest.fixture
def cloud(gate: Gate, cloud: Cloud) -> Cloud:
    """Three people, published; then one more agrees, which is not published yet."""
    land_three_people(cloud)
    cloud.upload()
    assert cloud.run().success
    cloud.land("customer", customer("dan@example.com"), customer(ANN, lastUpdateDate=T0 + 9), name="later.json")
    cloud.upload()
    return cloud


def recovers(cloud: Cloud, gate: Gate) -> None:
    """The next run, on a good day, publishes what is due, and nothing else lies around."""
    gate.fault = lambda _request, _before: None
    assert cloud.run().success
    assert {row[1] for row in cloud.rows(TABLE)} == {ANN, "cid@example.com", "dan@example.com"}
    assert orphans(cloud) == set()


@pytest.mark.parametrize("answer", [SLOW_DOWN, NO_ANSWER, LOST_ANSWER], ids=["slow down", "no answer", "lost answer"])
@pytest.mark.parametrize("where", [writing, reading, listing, metadata])
def test_what_passes_is_tried_again(cloud, gate, answer: Answer, where: Callable[[Request], bool]):
    gate.fault = first(1, answer, where=where)
    assert cloud.run().success
    assert any(where(request) for request in gate.passed)
    recovers(cloud, gate)


@pytest.mark.parametrize(
    ("answer", "where", "says"),
    [
        (DENIED, writing, ""),
        (DENIED, listing, "may not call ListObjectsV2"),
        (DENIED, metadata, "infra/stack.yaml"),
        (DENIED, committing, "may not call UpdateTable"),
        (EXPIRED, listing, "the credentials have expired"),
        (EXPIRED, metadata, "expired"),
        (EXPIRED, committing, "the credentials have expired"),
        (OVERTAKEN, committing, "Another run published"),
    ],
)
def test_what_does_not_pass_is_one_clear_error_and_tables_stay_whole(cloud, gate, answer, where, says):
    before = contents(cloud), snapshots(cloud)
    # Landing is published; what fails is customer_trusted.
    stage = {"customers": 0}

    def fault(request: Request, count: int) -> Answer | None:
        if committing(request) and where is committing:
            stage["customers"] += 1
            # The first commits are those of landing and its quarantine.
            return answer if stage["customers"] > 2 else None
        return always(answer, where=where)(request, count)

    gate.fault = fault
    result = cloud.run()
    assert not result.success
    text = failure(result, TABLE)
    assert says in text
    assert len(text.splitlines()) == 1
    assert "@" not in text
    assert "testing" not in text
    gate.fault = lambda _request, _before: None
    now = contents(cloud), snapshots(cloud)
    for table in (TABLE, "customers_curated", "machine_learning_curated"):
        assert now[0][table] == before[0][table]
        assert now[1][table] == before[1][table]
    recovers(cloud, gate)


def test_a_commit_whose_answer_was_lost_and_that_glue_refuses_to_repeat_has_succeeded(cloud, gate):
    lost: list[Request] = []

    def fault(request: Request, _before: int) -> Answer | None:
        if not committing(request):
            return None
        lost.append(request)
        # Of each two: done, but nobody hears of it; then asked again, and refused, for the version is another now.
        return LOST_ANSWER if len(lost) % 2 else OVERTAKEN

    gate.fault = fault
    assert cloud.run().success
    assert len(lost) > 6
    recovers(cloud, gate)
