"""A customer feed that is refused takes people out of the tables, and never puts anybody in."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.lakehouse.query import connect
from stedi_dagster_tests.defs.assets.builders import ANN, orphans, three_people
from stedi_dagster_tests.scenario import SELECTED, T0, Scenario, customer

NEW = "dora@example.com"
WITHDRAWAL = json.dumps(customer(ANN, agreed=None, lastUpdateDate=T0 + 5000))


@pytest.fixture
def scenario(tmp_path: Path, sail_url: str) -> Scenario:
    scenario = three_people(tmp_path)
    scenario.settings |= {"engine": sail_url}
    return scenario


def junk(scenario: Scenario) -> None:
    scenario.land_text("customer", "junk\n", name="junk.json")


def pipe(scenario: Scenario) -> None:
    os.mkfifo(scenario.landing / "customer" / "landing" / "pipe.json")


def odd_name(scenario: Scenario) -> None:
    folder = os.fsencode(scenario.landing / "customer" / "landing")
    with open(folder + b"/caf\xe9.json", "wb") as file:  # noqa: PTH123 - a name that is no UTF-8
        file.write(b"{}\n")


def state(scenario: Scenario) -> dict[str, set[tuple[Any, ...]]]:
    """What is published, read at once."""
    with connect(scenario.lakehouse()) as connection:
        wanted = ("participants", "quarantine", *SELECTED)
        return {name: set(connection.execute(f'SELECT * FROM "{name}"').fetchall()) for name in wanted}


def test_who_withdrew_in_it_is_taken_out_until_all_is_made_anew(scenario):
    folder = os.fsencode(scenario.landing / "customer" / "landing")
    assert scenario.run().success
    before = state(scenario)
    ann = {ANN, f"serial-of-{ANN}", dict(before["participants"])[ANN]}
    scenario.land_text("customer", f"{WITHDRAWAL}\n{json.dumps(customer(NEW))}\n", name="later.json")
    for trouble in (junk, pipe, odd_name):
        trouble(scenario)
        assert not scenario.run().success
        after = state(scenario)
        for name in SELECTED:
            gone = {row for row in before[name] if ann & set(row)}
            assert gone, name
            assert after[name] == before[name] - gone, name
        texts = {value for row in after["quarantine"] for value in row}
        assert {"junk", WITHDRAWAL} < texts
        assert len(after["quarantine"]) == 2
        assert after["participants"] == before["participants"]
        assert orphans(scenario) == set()
    for file in (b"junk.json", b"pipe.json", b"caf\xe9.json", b"later.json"):
        os.unlink(folder + b"/" + file)  # noqa: PTH108 - as above
    assert scenario.run().success
    assert state(scenario) == before
