"""Erasing on S3: old versions and delete markers of raw files and of tables go, and what was deleted stays deleted."""

import contextlib
import json

import pytest

from stedi_dagster.storage.s3 import S3Storage
from stedi_dagster_tests.aws.cloud import Cloud
from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    SERIAL,
    ZOE,
    forget,
    her_record,
    land_zoe_and_bob,
    lines,
    stedi,
    verify,
)
from stedi_dagster_tests.scenario import checks, counts, customer, step

KEY = "k" * 40


@pytest.fixture
def versioned(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A bucket that keeps versions, with objects of a time when it did not."""
    monkeypatch.setenv("STEDI_ERASURE_KEY", KEY)
    for name in ("a", "b"):
        before = lines(her_record(customerName=f"Zoe {name}"))
        cloud.s3.put_object(Bucket=cloud.bucket, Key=f"landing/customer/landing/before-{name}.json", Body=before)
    cloud.s3.put_bucket_versioning(Bucket=cloud.bucket, VersioningConfiguration={"Status": "Enabled"})
    land_zoe_and_bob(cloud)
    for name in ("a", "b"):
        cloud.land("customer", customer(BOB), name=f"before-{name}.json")
    return cloud


def versions(cloud: Cloud, prefix: str) -> list[tuple[str, bytes | None]]:
    """Every version of every object, with its bytes; None for a delete marker."""
    found: list[tuple[str, bytes | None]] = []
    for page in cloud.s3.get_paginator("list_object_versions").paginate(Bucket=cloud.bucket, Prefix=prefix):
        for version in page.get("Versions", ()):
            name = {"Key": version["Key"], "VersionId": version["VersionId"]}
            found.append((version["Key"], cloud.s3.get_object(Bucket=cloud.bucket, **name)["Body"].read()))
        found += [(marker["Key"], None) for marker in page.get("DeleteMarkers", ())]
    return found


def hers(cloud: Cloud) -> set[str]:
    """The keys of which a version holds her address or her device, in plain text."""
    words = (ZOE.encode(), SERIAL.lower().encode())
    return {key for key, body in versions(cloud, "") if body and any(word in body.lower() for word in words)}


def test_all_of_her_goes_from_versions_and_nothing_comes_back(versioned):
    cloud, s3 = versioned, versioned.s3
    cloud.upload()
    # A raw file that was deleted, one that was replaced, and one of others only that was deleted.
    s3.put_object(Bucket=cloud.bucket, Key="landing/customer/landing/gone.json", Body=lines(her_record()))
    s3.delete_object(Bucket=cloud.bucket, Key="landing/customer/landing/gone.json")
    others = lines(customer("dora@example.com"))
    s3.put_object(Bucket=cloud.bucket, Key="landing/customer/landing/others.json", Body=others)
    s3.delete_object(Bucket=cloud.bucket, Key="landing/customer/landing/others.json")
    s3.put_object(Bucket=cloud.bucket, Key="landing/step_trainer/landing/old.json", Body=lines(step(SERIAL)))
    s3.put_object(Bucket=cloud.bucket, Key="landing/step_trainer/landing/old.json", Body=b"")
    assert cloud.run().success
    location = cloud.lakehouse().table("customer_trusted").location().removeprefix(f"s3://{cloud.bucket}/")
    s3.put_object(Bucket=cloud.bucket, Key=f"{location}/data/orphan.parquet", Body=f"PAR1{ZOE}")
    s3.delete_object(Bucket=cloud.bucket, Key=f"{location}/data/orphan.parquet")
    before = verify(cloud)
    for name in ("before-a.json (old version null)", "before-b.json (old version null)"):
        assert f"s3://{cloud.bucket}/landing/customer/landing/{name}" in before
    for name in ("gone.json (old version", "old.json (old version", "orphan.parquet (old version"):
        assert any(name in file for file in before), name

    planned = forget(cloud, ZOE, "--dry-run")
    receipt = forget(cloud)
    rows = [{table["table"]: table["rows"] for table in told["tables"]} for told in (planned, receipt)]
    assert rows[0] == rows[1]
    # Those that were there before: what is rewritten leaves three more, which go, too.
    assert planned["raw"] == receipt["raw"]
    assert receipt["raw"]["versions"] == 4

    assert hers(cloud) == set()
    assert verify(cloud) == {}
    landing = dict.fromkeys(key for key, _ in versions(cloud, "landing/customer/"))
    assert "landing/customer/landing/gone.json" in landing
    assert [body for key, body in versions(cloud, "landing/") if key.endswith("others.json")] == [others.encode(), None]
    current = s3.get_object(Bucket=cloud.bucket, Key="landing/customer/landing/part-1.json")["Body"].read()
    assert [json.loads(line) for line in current.splitlines()] == [customer(BOB)]

    # Delivered again.
    cloud.upload()
    result = cloud.run()
    assert result.success
    assert counts(checks(result)["customer_landing", "reconciliation"])["withheld: erased"] == 1
    assert cloud.query(f"SELECT count(*) FROM customer_landing WHERE email = '{ZOE}'") == [(0,)]
    assert not any("/warehouse/" in file for file in verify(cloud))


def test_without_a_key_of_their_own_machines_that_share_a_catalog_may_erase_nobody(cloud, monkeypatch):
    monkeypatch.delenv("STEDI_ERASURE_KEY", raising=False)
    told = stedi(cloud, "forget", "--yes", ZOE)
    assert told.exit_code == 2
    assert "STEDI_ERASURE_KEY is not set" in told.stderr


@pytest.fixture
def storage(aws) -> S3Storage:
    return S3Storage()


def put(cloud: Cloud, key: str, *bodies: bytes | None) -> None:
    for body in bodies:
        if body is None:
            cloud.s3.delete_object(Bucket=cloud.bucket, Key=key)
        else:
            cloud.s3.put_object(Bucket=cloud.bucket, Key=key, Body=body)


def test_deleting_a_file_leaves_no_version_of_it_and_every_version_of_its_neighbours(versioned, storage):
    put(versioned, "x/a", b"1", b"2", None, b"3")
    put(versioned, "x/ab", b"1", b"2")
    storage.delete([f"s3://{versioned.bucket}/x/a"])
    assert versions(versioned, "x/") == [("x/ab", b"2"), ("x/ab", b"1")]


def test_old_versions_are_what_is_no_longer_current_and_every_mark_of_deletion(versioned, storage):
    put(versioned, "x/a", b"1", b"2")
    put(versioned, "x/b", b"1", None)
    put(versioned, "x/c", b"1")
    put(versioned, "xy/a", b"1", b"2")
    found = list(storage.old_versions(f"s3://{versioned.bucket}/x"))
    bodies = []
    for version in found:
        with version.open() as stream:
            bodies.append((version.path.rsplit("/", 1)[-1], stream.read()))
    assert sorted(bodies) == [("a", b"1"), ("b", b""), ("b", b"1")]
    storage.delete_versions(found)
    assert versions(versioned, "x/") == [("x/a", b"2"), ("x/c", b"1")]
    assert len(versions(versioned, "xy/")) == 2


def test_a_file_is_replaced_only_when_all_of_it_is_written(versioned, storage):
    put(versioned, "x/a", b"old")
    with contextlib.suppress(KeyError), storage.replacing(f"s3://{versioned.bucket}/x/a") as stream:
        stream.write(b"half")
        raise KeyError
    assert versions(versioned, "x/") == [("x/a", b"old")]
    with storage.replacing(f"s3://{versioned.bucket}/x/a") as stream:
        stream.write(b"new")
    assert [body for _, body in versions(versioned, "x/")] == [b"new", b"old"]


def test_a_bucket_without_versions_has_no_old_ones(cloud, storage):
    put(cloud, "x/a", b"1", b"2")
    assert list(storage.old_versions(f"s3://{cloud.bucket}/x")) == []
    storage.delete([f"s3://{cloud.bucket}/x/a"])
    assert versions(cloud, "x/") == []
