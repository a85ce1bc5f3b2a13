"""What raw customer files state about people's consent, whatever of them cannot be read."""

from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.drafts import statements
from stedi_dagster.drafts.statements import statements_in_raw_files
from stedi_dagster.errors import AwsError
from stedi_dagster.storage.local import LocalStorage
from stedi_dagster_tests.scenario import T0, Scenario, customer


@pytest.fixture
def landing(tmp_path: Path) -> str:
    scenario = Scenario(tmp_path)
    scenario.land("customer", customer("ann@example.com", agreed=None), name="a.json")
    scenario.land("customer", customer("bob@example.com", agreed=None), name="b.json")
    return str(scenario.landing)


def refuse(*_: Any, **__: Any) -> Any:
    raise AwsError("The credentials may not do that.")


def test_an_object_that_may_not_be_read_does_not_hide_the_others(landing, monkeypatch):
    opened = LocalStorage.open
    monkeypatch.setattr(
        LocalStorage, "open", lambda storage, path: refuse() if path.endswith("a.json") else opened(storage, path)
    )
    assert [statement.person for statement in statements_in_raw_files(landing, now_ms=T0)] == ["bob@example.com"]


def test_a_folder_that_may_not_be_listed_stops_nothing(landing, monkeypatch):
    monkeypatch.setattr(statements, "list_files", refuse)
    assert {statement.person for statement in statements_in_raw_files(landing, now_ms=T0)} == {
        "ann@example.com",
        "bob@example.com",
    }
