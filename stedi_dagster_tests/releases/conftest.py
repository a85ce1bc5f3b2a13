"""A world that is published once for all tests of releases."""

import random
import uuid
from types import SimpleNamespace

import pytest

from stedi_dagster.drafts import participants
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.releases.worlds import walkers
from stedi_dagster_tests.scenario import Scenario

# With these numbers somebody is in each part; with others, once in some dozen times, nobody is in one.
_SEED = 1


@pytest.fixture(scope="session")
def _walkers(sail_url: str, tmp_path_factory: pytest.TempPathFactory) -> Published:
    drawn = random.Random(_SEED)
    numbers = SimpleNamespace(uuid4=lambda: uuid.UUID(int=drawn.getrandbits(128), version=4))
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(participants, "uuid", numbers)
        return Published(walkers(tmp_path_factory.mktemp("walkers") / "world", engine=sail_url))


@pytest.fixture
def world(_walkers: Published) -> Scenario:
    """Two dozen people, published, as nobody has touched them yet."""
    return _walkers.restored()
