"""An AWS account in this process, by moto, that knows every resource of the template; and the template itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from infra.stack import TEMPLATE
from stedi_dagster_tests.infra.commands import Run, account, run_infra


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template, with its functions (!Ref and so on) in their long form."""
    loaded: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))
    return loaded


@pytest.fixture
def infra() -> Iterator[Run]:
    """Run `python -m infra` in this process, in an account of its own."""
    with account():
        yield run_infra
