"""One region and one set of credentials for all that talks to AWS, whichever way somebody has set them."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
import requests
from pyarrow import parquet as pq
from pyiceberg.io import load_file_io

from stedi_dagster import aws, lending
from stedi_dagster.engines.sail import Sail
from stedi_dagster.errors import AwsError
from stedi_dagster.lakehouse.catalog import open_catalog
from stedi_dagster.storage.s3 import S3Storage
from stedi_dagster_tests.aws import gate
from stedi_dagster_tests.aws.cloud import REGION, Cloud

ELSEWHERE = "ap-southeast-2"
KEYS = "aws_access_key_id = AKIAOFTHEANALYST0000\naws_secret_access_key = of-the-analyst\n"
BOTO3, PYARROW, SAIL = "Boto3", "aws-sdk-cpp", "object_store"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A shell without a variable of AWS's but for those of a test, and with profiles."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "config").write_text(f"[profile there]\nregion = {ELSEWHERE}\n{KEYS}[profile nowhere]\n{KEYS}")

    def export(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return export


def regions() -> set[str]:
    """Where each library would go: ours, PyArrow, dagster-aws, which makes boto3's clients itself, and Sail."""
    aws.prepare()
    by_variable = {os.environ["AWS_REGION"], os.environ["AWS_DEFAULT_REGION"]}
    of_dagster = boto3.session.Session().client("athena").meta.region_name
    return {aws.region(), aws.client("glue").meta.region_name, S3Storage().filesystem.region, of_dagster, *by_variable}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_REGION": REGION}, REGION),
        ({"AWS_DEFAULT_REGION": REGION}, REGION),
        ({"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}, REGION),
        ({"AWS_PROFILE": "there"}, ELSEWHERE),
        ({"AWS_PROFILE": "there", "AWS_REGION": REGION}, REGION),
        ({"AWS_PROFILE": "there", "AWS_DEFAULT_REGION": REGION}, REGION),
        ({"AWS_PROFILE": "nowhere", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": ""}, REGION),
    ],
)
def test_everything_goes_to_one_region(shell, variables, expected):
    shell(**variables)
    assert regions() == {expected}


def test_a_region_that_is_asked_for_is_taken_for_that_client_only(shell):
    shell(AWS_REGION=REGION)
    assert aws.client("sns", ELSEWHERE).meta.region_name == ELSEWHERE
    assert regions() == {REGION}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": ELSEWHERE},
            f"AWS_REGION is {REGION} and AWS_DEFAULT_REGION is {ELSEWHERE}. Set both to the same region",
        ),
        ({"AWS_PROFILE": "nowhere"}, "No AWS region is set. Set AWS_REGION"),
        ({}, "No AWS region is set. Set AWS_REGION"),
        ({"AWS_PROFILE": "misspelt"}, "There is no AWS profile misspelt. Correct AWS_PROFILE"),
        ({"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "AKIA"}, "The AWS configuration cannot be used: Partial cred"),
    ],
)
def test_what_cannot_be_decided_is_one_sentence(shell, variables, said):
    shell(**variables)
    with pytest.raises(AwsError, match=said):
        aws.region()


def test_a_warehouse_or_landing_zone_in_another_region_is_refused(s3, tmp_path):
    there = boto3.client("s3", ELSEWHERE)
    there.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    said = f"The bucket far-away is in {ELSEWHERE}, and the AWS region is {REGION}. Set AWS_REGION={ELSEWHERE}."
    with pytest.raises(AwsError, match=said):
        open_catalog("glue", tmp_path, "s3://far-away/warehouse", [])
    with pytest.raises(AwsError, match=said):
        S3Storage().entries("s3://far-away/landing")


def test_one_session_serves_a_process_until_its_variables_change(shell, monkeypatch):
    shell(AWS_REGION=REGION)
    aws.prepare()
    first = aws._session()
    assert aws._session() is first
    assert "REGION" not in repr(first)
    monkeypatch.setenv("AWS_PROFILE", "there")
    assert aws._session() is not first


def read_by_all(folder: str, home: Path) -> None:
    """Read a folder's one Parquet file of two rows by each library, twice, with keys that end soon."""
    # The libraries ask again once what they have ends within some seconds.
    lending._GOOD_FOR = timedelta(seconds=3)
    storage = S3Storage()
    catalog = open_catalog("sqlite", home, f"s3://{Cloud.bucket}/warehouse", [])
    of_iceberg = load_file_io(catalog.properties).new_input(f"{folder}/rows.parquet")
    with Sail().session() as session:
        for _ in range(2):
            [found] = storage.entries(folder)
            assert storage.footer(found.path).num_rows == 2
            assert len(of_iceberg) == found.size
            assert session.read.parquet(folder).count() == 2


def test_a_role_of_a_profile_signs_every_library_s_requests_and_is_renewed(s3, tmp_path, monkeypatch):
    """Of 900 s, the shortest that a role's keys may have, boto3 renews them whenever it is asked."""
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "rows.parquet")
    s3.upload_file(str(tmp_path / "rows.parquet"), Cloud.bucket, "rows/rows.parquet")
    folder = f"s3://{Cloud.bucket}/rows"
    config = tmp_path / "config"
    config.write_text(
        f"[profile analyst]\n{KEYS}[profile lake]\nrole_arn = arn:aws:iam::123456789012:role/lake\n"
        "source_profile = analyst\nduration_seconds = 900\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "lake")
    with gate.opened(os.environ["AWS_ENDPOINT_URL"]) as before:
        monkeypatch.setenv("AWS_ENDPOINT_URL", before.url)
        monkeypatch.setenv("AWS_ENDPOINT", before.url)
        # Sail keeps the keys that it first found in a process: here those of other tests.
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            process.submit(read_by_all, folder, tmp_path).result()
        to_sts = [key for key in before.signed if key == (BOTO3, "AKIAOFTHEANALYST0000")]
        others = [key for key in before.signed if key not in to_sts]
    assert {by for by, _ in others} == {BOTO3, PYARROW, SAIL}
    for library in (BOTO3, PYARROW, SAIL):
        keys = {key for by, key in others if by == library}
        assert {key[:4] for key in keys} == {"ASIA"}, f"{library} signed with something else than what the role gave"
        assert len(keys) > 1, f"{library} was given new keys"
    assert len(to_sts) > 1


def test_nobody_else_is_lent_to(shell):
    lending.lend(boto3.session.Session("AKIALENT", "secret", "token").get_credentials())
    uri, token = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    assert uri.startswith("http://127.0.0.1:")
    refused = [requests.get(uri, timeout=600, headers=headers) for headers in ({}, {"Authorization": f"{token}x"})]
    refused.append(requests.get(f"{uri}/more", timeout=600, headers={"Authorization": token}))
    assert [(answer.status_code, answer.text) for answer in refused] == [(403, "{}")] * 3
    granted = requests.get(uri, timeout=600, headers={"Authorization": token})
    assert granted.json()["AccessKeyId"] == "AKIALENT"
    assert "AKIALENT" not in str(dict(os.environ))


def test_a_process_that_is_started_by_a_lender_finds_its_own_credentials(shell, monkeypatch, tmp_path):
    shell(AWS_PROFILE="there")
    lending.lend(boto3.session.Session("AKIALENT", "secret", "token").get_credentials())
    assert "AWS_PROFILE" not in os.environ
    lent = json.loads(os.environ["LENT_BY_STEDI"])
    monkeypatch.setenv("LENT_BY_STEDI", json.dumps(lent | {"by": lent["by"] + 1}))
    assert aws.region() == ELSEWHERE
    assert (os.environ["AWS_PROFILE"], os.environ["AWS_CONFIG_FILE"]) == ("there", str(tmp_path / "config"))
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in os.environ
