"""A world that is published once for all tests of releases, and one with a release in it."""

import pytest

from stedi_dagster_tests.published import Published
from stedi_dagster_tests.releases.worlds import walkers
from stedi_dagster_tests.scenario import Scenario


@pytest.fixture(scope="session")
def _walkers(sail_url: str, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(walkers(tmp_path_factory.mktemp("walkers") / "world", engine=sail_url))


@pytest.fixture
def world(_walkers: Published) -> Scenario:
    """Two dozen people, published, as nobody has touched them yet."""
    return _walkers.restored()
