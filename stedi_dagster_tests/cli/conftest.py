"""A published world that tests of commands only read."""

import pytest

from stedi_dagster_tests.cli.worlds import two_people
from stedi_dagster_tests.scenario import Scenario


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two people, published by hand; one text that is no record."""
    return two_people(tmp_path_factory.mktemp("world"))
