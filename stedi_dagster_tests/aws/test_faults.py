"""What AWS does on a bad day ends in a retry that succeeds or in one clear error, with whole tables either way."""

from collections.abc import Iterator

import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException

from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.errors import AwsError, LandingError, StorageError
from stedi_dagster.landing.zone import refuse_lost_zone
from stedi_dagster_tests.aws.cloud import REGION, Cloud, environment
from stedi_dagster_tests.aws.gate import (
    DENIED,
    EXPIRED,
    LOST_ANSWER,
    NO_ANSWER,
    OVERTAKEN,
    SLOW_DOWN,
    THROTTLED,
    Answer,
    Gate,
    Request,
    always,
    first,
    opened,
)
from stedi_dagster_tests.defs.assets.builders import ANN, contents, failure, land_three_people, orphans, snapshots
from stedi_dagster_tests.erasure.raw import wanted
from stedi_dagster_tests.erasure.unique_person import lines
from stedi_dagster_tests.scenario import T0, customer

pytestmark = pytest.mark.long

TABLE = "customer_trusted"
BOTH = ("customer_landing", TABLE)


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
    assert cloud.run(tables=BOTH).success
    cloud.land("customer", customer("dan@example.com"), customer(ANN, lastUpdateDate=T0 + 9), name="later.json")
    cloud.upload()
    return cloud


def test_a_landing_zone_on_s3_that_nobody_may_list_is_one_sentence(s3, gate):
    landing = f"s3://{Cloud.bucket}/landing"
    with pytest.raises(LandingError, match="does not exist, or holds none of customer/landing"):
        refuse_lost_zone(landing)
    s3.put_object(Bucket=Cloud.bucket, Key="landing/customer/landing/a.json", Body=b"{}")
    refuse_lost_zone(landing)
    gate.fault = always(DENIED, where=lambda request: "list-type=2" in request.path)
    with pytest.raises(AwsError, match=r"the credentials may not call ListObjectsV2 \(AccessDenied\)"):
        refuse_lost_zone(landing)


def recovers(cloud: Cloud, gate: Gate) -> None:
    """The next run, on a good day, publishes what is due, and nothing else lies around."""
    gate.fault = lambda _request, _before: None
    assert cloud.run(tables=BOTH).success
    assert {row[1] for row in cloud.rows(TABLE)} == {ANN, "cid@example.com", "dan@example.com"}
    assert orphans(cloud) == set()


@pytest.mark.parametrize("answer", [SLOW_DOWN, NO_ANSWER, LOST_ANSWER], ids=["slow down", "no answer", "lost answer"])
def test_what_passes_is_tried_again(cloud, gate, answer: Answer):
    places = (writing, reading, listing, metadata)
    gate.passed.clear()
    gate.fault = first(1, answer, where=lambda request: any(where(request) for where in places))
    assert cloud.run(tables=BOTH).success
    for where in places:
        assert any(gate.passed.count(request) > 1 for request in gate.passed if where(request)), where.__name__
    recovers(cloud, gate)


@pytest.mark.parametrize(
    ("answer", "where", "says"),
    [
        (DENIED, writing, ""),
        (DENIED, listing, "may not call ListObjectsV2"),
        (DENIED, metadata, "infra/stack.yaml"),
        (DENIED, committing, "may not call UpdateTable"),
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
    result = cloud.run(tables=BOTH)
    assert not result.success
    text = failure(result, TABLE)
    assert says in text
    assert len(text.splitlines()) == 1
    assert "@" not in text
    assert "testing" not in text
    gate.fault = lambda _request, _before: None
    now = contents(cloud), snapshots(cloud)
    assert now[0][TABLE] == before[0][TABLE]
    assert now[1][TABLE] == before[1][TABLE]
    recovers(cloud, gate)


def test_a_commit_whose_answer_was_lost_has_succeeded_and_is_not_asked_for_again(cloud, gate):
    gate.passed.clear()
    gate.fault = always(LOST_ANSWER, where=committing)
    assert cloud.run(tables=BOTH).success
    # Of customer_landing, of its quarantine, and of customer_trusted.
    assert sum(map(committing, gate.passed)) == 3
    recovers(cloud, gate)


def test_a_throttled_commit_is_asked_for_again(cloud, gate):
    throttled = iter([THROTTLED] * 3)
    gate.fault = lambda request, _: next(throttled, None) if committing(request) else None
    assert cloud.run(tables=BOTH).success
    recovers(cloud, gate)


def test_pyiceberg_deletes_the_files_of_a_commit_that_glue_refuses(cloud, gate):
    """The quirk for which a commit is asked for once only: the first request may have succeeded."""
    catalog = GlueCatalog("plain", **{"s3.endpoint": gate.url, "s3.region": REGION})
    answers = iter([LOST_ANSWER])
    gate.fault = lambda request, _: next(answers, OVERTAKEN) if committing(request) else None
    table = catalog.load_table(f"stedi.{TABLE}")
    with pytest.raises(CommitFailedException):
        table.append(table.scan().to_arrow())
    gate.fault = lambda _request, _before: None
    with pytest.raises(FileNotFoundError):
        catalog.load_table(f"stedi.{TABLE}").scan().to_arrow()


def test_whether_a_raw_file_may_be_rewritten_is_asked_of_s3_without_writing_one(gate, s3):
    landing = f"s3://{Cloud.bucket}/landing"
    for name in ("a", "of ann@example.com"):
        s3.put_object(Bucket=Cloud.bucket, Key=f"landing/customer/landing/{name}.json", Body=lines(customer()))
    hers = wanted("ann@example.com")
    gate.passed.clear()
    RawFiles(landing).check(hers)
    gate.fault = always(DENIED, where=lambda request: request.method == "POST" and "/of" in request.path)
    with pytest.raises(StorageError) as raised:
        RawFiles(landing).check(hers)
    said = str(raised.value)
    assert "rewriting the landing file customer/landing/of (address). Nothing was begun." in said
    assert "may not call CreateMultipartUpload" in said
    assert not s3.list_multipart_uploads(Bucket=Cloud.bucket).get("Uploads")
    assert {request.method for request in gate.passed} <= {"GET", "HEAD", "POST", "DELETE"}
