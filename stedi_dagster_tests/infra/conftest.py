"""An AWS account in this process, by moto, that knows every resource of the template; and the template itself."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from moto import mock_aws
from typer.testing import CliRunner, Result

from infra.stack import TEMPLATE
from stedi_dagster.settings import Settings
from stedi_dagster_tests.infra import taught

REGION = "eu-west-1"

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template, with its functions (!Ref and so on) in their long form."""
    loaded: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))
    return loaded


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account; no request leaves this process."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STEDI_{name.upper()}", raising=False)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    taught.teach(monkeypatch)
    with mock_aws():
        yield


@pytest.fixture
def infra(aws: None) -> Run:
    """Run `python -m infra` in this process."""
    from infra.__main__ import app

    return lambda *arguments: CliRunner().invoke(app, [*arguments])


@pytest.fixture
def stedi(aws: None) -> Run:
    """Run `stedi` in this process."""
    from stedi_dagster.cli.app import app

    return lambda *arguments: CliRunner().invoke(app, [*arguments])
