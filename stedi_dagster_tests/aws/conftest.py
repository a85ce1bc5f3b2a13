"""AWS as moto plays it, in a process of its own: S3, Glue and the rest speak their real protocols."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from stedi_dagster_tests.aws.cloud import REGION, Cloud, environment
from stedi_dagster_tests.aws.emr_client import EmrClient
from stedi_dagster_tests.aws.emr_standin import Standin, opened
from stedi_dagster_tests.ports import free_port

_STARTS_WITHIN = 600


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A moto server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        arguments = [sys.executable, "-m", "stedi_dagster_tests.aws.moto_server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(arguments, stdout=output, stderr=output)
        try:
            _wait_for(url, server, log)
            yield url
        finally:
            server.kill()
            server.wait()


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty account: the address of its services, to which all SDKs are pointed."""
    for name, value in environment(moto_url).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    requests.post(f"{moto_url}/moto-api/reset", timeout=60).raise_for_status()
    return moto_url


@pytest.fixture
def s3(aws: str) -> Any:
    """boto3's client, and the bucket."""
    client = boto3.client("s3", REGION)
    client.create_bucket(Bucket=Cloud.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.fixture
def cloud(s3: Any, tmp_path: Path) -> Cloud:
    """A landing zone and a warehouse on S3, with tables in Glue."""
    return Cloud(tmp_path, s3=s3)


@pytest.fixture
def standin(sail_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """EMR Serverless in front of Sail."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with opened(sail_url, tmp=tmp_path) as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", found.url)
        monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(found.roots))
        yield found


@pytest.fixture
def client(standin: Standin) -> EmrClient:
    """boto3 on it."""
    return EmrClient(standin)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            requests.get(f"{url}/moto-api/", timeout=60)
        except requests.ConnectionError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"moto did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return
