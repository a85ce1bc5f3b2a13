"""Releases on S3 and Glue: created, opened, cut again, and copied to another prefix."""

import pytest

from stedi_dagster import data
from stedi_dagster.errors import ReleaseError
from stedi_dagster.releases.verify import verify
from stedi_dagster_tests.aws.cloud import Cloud
from stedi_dagster_tests.releases.worlds import PEOPLE, copy, forget, land_walkers, make, released, withdraw

WAREHOUSE = f"s3://{Cloud.bucket}/warehouse"
COPY = f"s3://{Cloud.bucket}/copies/first"


@pytest.fixture
def published(cloud: Cloud, sail_url: str, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("STEDI_ERASURE_KEY", "k" * 40)
    cloud.settings["engine"] = sail_url
    land_walkers(cloud).upload()
    assert cloud.run().success
    return cloud


def test_a_release_is_created_opened_cut_again_and_copied(published):
    make(published)
    release = data.open(catalog="glue", warehouse=WAREHOUSE).release("first")
    assert (release.revision, release.all().rows) == (1, 60)
    copy(published, COPY)
    found = verify(COPY, published.lakehouse())
    assert (found.intact, found.must_be_replaced) == (True, False)
    keys = {one["Key"] for one in published.s3.list_objects_v2(Bucket=Cloud.bucket, Prefix="copies/first/")["Contents"]}
    assert {"copies/first/manifest.json", "copies/first/train/part-00000.parquet"} <= keys
    with pytest.raises(ReleaseError, match="is not empty"):
        copy(published, COPY)
    with pytest.raises(ReleaseError, match="lies within STEDI_WAREHOUSE"):
        copy(published, f"{WAREHOUSE}/copies")

    withdraw(published, PEOPLE[3])
    published.upload()
    assert published.run().success
    assert (released(published).current.number, released(published).current.rows) == (2, 56)
    assert verify(COPY, published.lakehouse()).must_be_replaced
    forget(published, PEOPLE[7])
    now = data.open(catalog="glue", warehouse=WAREHOUSE).release("first")
    assert (now.revision, now.all().rows) == (3, 52)
