"""What a run asks of S3 and Glue: a few requests for each small object, and for each table where nothing is new."""

import json
from urllib.parse import urlsplit

import pytest

from bench.slow_s3 import SlowWay
from stedi_dagster_tests.aws.cloud import Cloud, environment
from stedi_dagster_tests.scenario import T0, customer, reading, step

pytestmark = pytest.mark.long

# HEAD and GET; and a table's metadata grows from run to run.
_MOST = 3
# Where nothing is new, of each table: what the catalog says (at each step anew), its metadata, whether its files are
# there. It was 38 when metadata was read again each time.
_MOST_OF_A_TABLE = 24


def _upload(cloud: Cloud, first: int, last: int) -> None:
    for number in range(first, last):
        body = json.dumps(reading(at=T0 + number)).encode()
        cloud.s3.put_object(Bucket=cloud.bucket, Key=f"landing/accelerometer/landing/{number}.json", Body=body)


def test_a_small_object_is_asked_for_only_as_often_as_it_is_read(cloud, aws, monkeypatch):
    cloud.land("customer", customer())
    cloud.land("step_trainer", step())
    cloud.land("accelerometer", reading())
    cloud.upload()
    way = SlowWay(urlsplit(aws).port or 0, seconds=0)
    asked: list[int] = []
    with way.open() as url:
        for name, value in environment(url).items():
            monkeypatch.setenv(name, value)
        for first, last in ((0, 40), (40, 80), (80, 280), (280, 280)):
            _upload(cloud, first, last)
            way.requests.clear()
            assert cloud.run().success
            asked.append(way.requests.total())
        assert cloud.query("SELECT count(*) FROM accelerometer_landing") == [(281,)]
    # The second and the third run differ in how much is new alone.
    assert asked[2] - asked[1] <= _MOST * 160, asked
    assert asked[3] <= _MOST_OF_A_TABLE * 15, asked
