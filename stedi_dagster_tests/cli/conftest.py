"""The command in this process, on a published world that its tests only read."""

import gc
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stedi_dagster_tests.scenario import Scenario, customer, reading, step

Stedi = Callable[..., Result]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two people, published by hand; one text that is no record."""
    scenario = Scenario(tmp_path_factory.mktemp("world"), {"max_bad_share": 0.5})
    scenario.land("customer", customer(), customer("bob@example.com", agreed=None))
    scenario.land("accelerometer", reading(), reading("bob@example.com"))
    scenario.land("step_trainer", step(), step("serial-of-bob@example.com"))
    scenario.land_text("customer", '\n{"email": "half@example.com"', name="broken [bold] file.json")
    assert scenario.run().success
    return scenario


@pytest.fixture
def stedi(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stedi]:
    """Run a command; keyword arguments are settings."""
    from stedi_dagster.cli.app import app

    before = dict(os.environ)

    def run(*arguments: str, **settings: Any) -> Result:
        for name, value in settings.items():
            monkeypatch.setenv(f"STEDI_{name.upper()}", str(value))
        return CliRunner().invoke(app, [*arguments])

    yield run
    # `stedi run` sets DAGSTER_HOME for its children.
    os.environ.clear()
    os.environ.update(before)
    # It also freezes what its imports made; DuckDB's would then complain when the tests end.
    gc.unfreeze()


def parsed(result: Result) -> Any:
    """Standard output, all of which is JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
