"""A customer feed that is refused takes people out of the tables, and never puts anybody in."""

import json
import os
from pathlib import Path

import pytest

from stedi_dagster_tests.assets.builders import ANN, orphans, three_people
from stedi_dagster_tests.scenario import T0, Scenario, customer

NEW = "dora@example.com"
TABLES = (
    "customer_trusted",
    "accelerometer_trusted",
    "customers_curated",
    "step_trainer_trusted",
    "machine_learning_curated",
)
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


def test_who_withdrew_in_it_is_taken_out_until_all_is_made_anew(scenario):
    folder = os.fsencode(scenario.landing / "customer" / "landing")
    assert scenario.run().success
    before = {name: scenario.rows(name) for name in TABLES}
    numbers = dict(scenario.query("SELECT email, participantId FROM participants"))
    scenario.land_text("customer", f"{WITHDRAWAL}\n{json.dumps(customer(NEW))}\n", name="later.json")
    for trouble in (junk, pipe, odd_name):
        trouble(scenario)
        assert not scenario.run().success
        for name in TABLES:
            gone = {row for row in before[name] if {ANN, f"serial-of-{ANN}", numbers[ANN]} & set(row)}
            assert gone, name
            assert set(scenario.rows(name)) == set(before[name]) - gone, name
        assert scenario.query("SELECT raw FROM quarantine ORDER BY raw") == [("junk",), (WITHDRAWAL,)]
        assert dict(scenario.query("SELECT email, participantId FROM participants")) == numbers
        assert orphans(scenario) == set()
    for file in (b"junk.json", b"pipe.json", b"caf\xe9.json", b"later.json"):
        os.unlink(folder + b"/" + file)  # noqa: PTH108 - as above
    assert scenario.run().success
    assert {name: scenario.rows(name) for name in TABLES} == before
    assert scenario.query("SELECT * FROM quarantine") == []
