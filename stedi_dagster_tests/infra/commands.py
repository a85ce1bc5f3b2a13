"""The commands that deploy and read a stack, in this process and on an account of moto."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from stedi_dagster.settings import Settings
from stedi_dagster_tests.infra import moto_extensions

REGION = "eu-west-1"


ACCOUNT = "123456789012"  # moto's


BUCKET = f"lake-{ACCOUNT}-{REGION}"


Run = Callable[..., Result]


def run_infra(*arguments: str, typed: str | None = None) -> Result:
    """Run `python -m infra` in this process."""
    from infra.__main__ import app

    return CliRunner().invoke(app, [*arguments], input=typed)


def run_stedi(*arguments: str) -> Result:
    """Run `stedi` in this process."""
    from stedi_dagster.cli.app import app

    return CliRunner().invoke(app, [*arguments])


def exported(text: str) -> dict[str, str]:
    """The variables that a shell gets from `export` lines."""
    words = [shlex.split(line) for line in text.splitlines()]
    assert all(first == "export" for first, _ in words)
    pairs = [pair.partition("=") for _, pair in words]
    return {name: value for name, _, value in pairs}


@contextmanager
def account() -> Iterator[None]:
    """An empty account; no request leaves this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(f"STEDI_{name.upper()}", raising=False)
        for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
            patch.setenv(name, "")  # so that it is as it was afterwards, whoever sets it meanwhile
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_REGION", REGION)
        moto_extensions.install(patch)
        with mock_aws():
            yield
