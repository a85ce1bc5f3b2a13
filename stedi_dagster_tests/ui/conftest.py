"""A browser, and a generated world."""

from collections.abc import Iterator

import pytest

from stedi_dagster_tests.killed_runs import start
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.ui.pages import Browser, browsing
from stedi_dagster_tests.ui.story import generated_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A landing zone of made-up people."""
    return generated_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def published(world: Scenario, chromium: str) -> Scenario:
    """The same, with everything published by `stedi run`."""
    run = start(world)
    told = run.communicate(timeout=1000)
    assert run.returncode == 0, told
    return world


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A window of Chromium."""
    with browsing(chromium, pixels=0.1) as browser:
        yield browser
