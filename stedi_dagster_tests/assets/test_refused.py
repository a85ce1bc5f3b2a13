"""A customer feed that is refused takes people out of the tables, and never puts anybody in."""

import json
import os

import pytest

from stedi_dagster_tests.assets.builders import ANN, BOB, CID, orphans, three_people
from stedi_dagster_tests.scenario import T0, Scenario, customer

NEW = "dora@example.com"
TABLES = ("customer_trusted", "accelerometer_trusted", "customers_curated", "step_trainer_trusted")
WITHDRAWAL = json.dumps(customer(ANN, agreed=None, lastUpdateDate=T0 + 5000))


def published(scenario: Scenario) -> dict[str, list[tuple]]:
    return {name: scenario.rows(name) for name in (*TABLES, "machine_learning_curated", "participants")}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Scenario:
    scenario = three_people(tmp_path_factory.mktemp("refused"))
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


@pytest.mark.parametrize("trouble", [junk, pipe, odd_name])
def test_who_withdrew_in_it_is_taken_out_until_all_is_made_anew(scenario, trouble):
    folder = scenario.landing / "customer" / "landing"
    assert scenario.run().success
    before = published(scenario)
    assert (ANN,) in scenario.query("SELECT email FROM customer_trusted")
    scenario.land_text("customer", f"{WITHDRAWAL}\n{json.dumps(customer(NEW))}\n", name="later.json")
    trouble(scenario)
    kept = set(os.listdir(os.fsencode(folder)))  # noqa: PTH208 - as above
    for _ in range(2):
        assert not scenario.run().success
        after = published(scenario)
        assert after["participants"] == before["participants"]
        numbers = dict(before["participants"])
        for name, rows in after.items():
            gone = {row for row in before[name] if {ANN, f"serial-of-{ANN}", numbers[ANN]} & set(row)}
            if name != "participants":
                assert set(rows) == set(before[name]) - gone, name
                assert gone, name
        told = scenario.query("SELECT raw FROM quarantine WHERE reason LIKE 'withdrawn%'")
        assert told == [(WITHDRAWAL,)]
        assert ("junk",) in scenario.query("SELECT raw FROM quarantine") or trouble is not junk
        assert orphans(scenario) == set()
    for name in kept:
        if name in {b"junk.json", b"pipe.json", b"caf\xe9.json", b"later.json"}:
            os.unlink(os.fsencode(folder) + b"/" + name)  # noqa: PTH108 - as above
    assert scenario.run().success
    assert published(scenario) == before
    assert {row[0] for row in before["participants"]} >= {ANN, CID} - {BOB}
    assert scenario.query("SELECT * FROM quarantine") == []
