"""`docs/tutorials/aws.md`, followed word for word on moto's AWS.

Not run, as the page says above each block: the credentials, of which the simulated account has its own; Athena and EMR
Serverless, which moto does not have; and the removal, which asks first. Of the AWS command line, which is no dependency
of the platform, there is a stand-in that knows `aws s3 sync`.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster_tests.aws.cloud import environment
from stedi_dagster_tests.docs.pages import DOCS
from stedi_dagster_tests.docs.walk import walk
from stedi_dagster_tests.infra import moto_extensions

_SYNC = """
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3

_, s3, sync, folder, url = sys.argv
assert (s3, sync) == ("s3", "sync")
place = urlsplit(url)
for path in Path(folder).rglob("*"):
    if path.is_file():
        key = f"{place.path.strip('/')}/{path.relative_to(folder)}"
        boto3.client("s3").put_object(Bucket=place.netloc, Key=key, Body=path.read_bytes())
"""


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What points the reader's commands at an empty account in this process."""
    moto_extensions.install(monkeypatch)

    def no_policy(
        cls: type[moto_extensions.BucketPolicy], _name: str, stated: Any, *_: Any, **__: Any
    ) -> moto_extensions.BucketPolicy:
        return cls(stated["Properties"]["Bucket"])

    # moto takes a policy's conditions for true, and so would deny everything.
    monkeypatch.setattr(moto_extensions.BucketPolicy, "create_from_cloudformation_json", classmethod(no_policy))
    with moto_extensions.empty_account() as endpoint:
        yield environment(endpoint)


@pytest.fixture
def path_with_aws(tmp_path: Path) -> str:
    """A search path on which there is an `aws`."""
    command = tmp_path / "bin" / "aws"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\n{_SYNC}")
    command.chmod(0o755)
    return f"{command.parent}:{os.environ['PATH']}"


def test_the_tables_are_made_on_aws_as_the_tutorial_says(account, path_with_aws, tmp_path):
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    walk(DOCS / "tutorials" / "aws.md", checkout, {**account, "PATH": path_with_aws})
