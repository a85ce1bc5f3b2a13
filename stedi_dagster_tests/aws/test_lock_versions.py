"""The lock in a bucket that keeps versions: neither its renewals nor holders that died leave any behind."""

from typing import Any

import pytest

from stedi_dagster.lakehouse.s3_lock import S3Lock
from stedi_dagster_tests.aws.cloud import Cloud

WAREHOUSE = f"s3://{Cloud.bucket}/warehouse"
KEY = "warehouse/_lock.json"


@pytest.fixture
def versioned(s3: Any) -> Any:
    s3.put_bucket_versioning(Bucket=Cloud.bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3


def kept(s3: Any) -> list[dict[str, Any]]:
    """What the bucket holds of the lock and its neighbours: content, then markers of what is deleted."""
    found = s3.list_object_versions(Bucket=Cloud.bucket, Prefix="warehouse/_lock")
    return [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]


def test_a_lock_that_was_renewed_leaves_no_version_of_itself_and_every_one_of_its_neighbours(versioned):
    for text in (b"one", b"two"):
        versioned.put_object(Bucket=Cloud.bucket, Key=f"{KEY}.backup", Body=text)
    # What a holder left that died.
    versioned.put_object(Bucket=Cloud.bucket, Key=KEY, Body=b"{}")
    versioned.delete_object(Bucket=Cloud.bucket, Key=KEY)
    lock = S3Lock(WAREHOUSE, "run one")
    with lock.held(timeout=0, waiting=lambda _: None):
        for _ in range(3):
            lock.confirm()
        assert len([one for one in kept(versioned) if one["Key"] == KEY]) == 6
    assert [(one["Key"], one["IsLatest"], "Size" in one) for one in kept(versioned)] == [
        (f"{KEY}.backup", True, True),
        (f"{KEY}.backup", False, True),
        (KEY, True, False),
    ]


def test_the_next_holder_s_lock_stays(versioned):
    first, second = S3Lock(WAREHOUSE, "run one"), S3Lock(WAREHOUSE, "run two")
    with first.held(timeout=0, waiting=lambda _: None):
        first.confirm()
    with second.held(timeout=0, waiting=lambda _: None):
        second.confirm()
        first._forget_renewals()
        second.confirm()
        assert [one["Key"] for one in kept(versioned) if one["IsLatest"]] == [KEY]
