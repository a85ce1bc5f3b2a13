"""Unreadable records that would take out too many people at once: these stay, and who withdrew readably goes."""

import json
from pathlib import Path

import pytest

from stedi_dagster_tests.defs.assets.builders import contents, orphans
from stedi_dagster_tests.scenario import SELECTED, T0, Scenario, checks, counts, customer, reading, step

PEOPLE = [f"p{number:02}@example.com" for number in range(30)]
WITHDREW, *OTHERS = PEOPLE


@pytest.fixture
def scenario(tmp_path: Path, sail_url: str) -> Scenario:
    scenario = Scenario(tmp_path, {"engine": sail_url, "max_bad_share": 0.5})
    scenario.land("customer", *map(customer, PEOPLE))
    scenario.land("accelerometer", *map(reading, PEOPLE))
    scenario.land("step_trainer", *(step(f"serial-of-{person}") for person in PEOPLE))
    return scenario


def doubt(scenario: Scenario, people: list[str]) -> Path:
    return scenario.land_text("customer", f"{' '.join(people)}\n", name="list.txt")


def published(scenario: Scenario) -> set[str]:
    return {email for (email,) in scenario.query("SELECT email FROM customer_trusted")}


def test_a_list_of_addresses_takes_nobody_out_and_the_run_says_so_until_it_is_gone(scenario):
    assert scenario.run().success
    before = contents(scenario)
    strays = doubt(scenario, PEOPLE[:11])
    for _ in range(2):
        result = scenario.run()
        assert not result.success
        found = checks(result)["customer_trusted", "doubt"]
        assert not found.passed
        assert found.severity.name == "ERROR"
        assert counts(found) == {"people": 11, "people published before": 30}
        after = contents(scenario)
        assert {name: after[name] for name in SELECTED} == {name: before[name] for name in SELECTED}
        assert orphans(scenario) == set()
    # Refused as well, and nobody loses their number by it.
    assert not scenario.run(tables=["machine_learning_curated"]).success
    strays.unlink()
    assert scenario.run().success
    assert contents(scenario) == before


def test_ten_people_go_and_more_where_the_operator_says_so_once(scenario):
    assert scenario.run().success
    doubt(scenario, PEOPLE[:10])
    assert scenario.run().success
    assert published(scenario) == set(PEOPLE[10:])
    doubt(scenario, PEOPLE[:25])
    assert not scenario.run().success
    assert scenario.run(max_doubt=0.8).success
    assert published(scenario) == set(PEOPLE[25:])
    assert scenario.run().success


def test_who_withdrew_in_what_can_be_read_is_taken_out_all_the_same(scenario):
    assert scenario.run().success
    numbers = dict(scenario.rows("participants"))
    marks = {WITHDREW, f"serial-of-{WITHDREW}", numbers[WITHDREW]}
    before = {name: set(scenario.rows(name)) for name in SELECTED}
    withdrawal = json.dumps(customer(WITHDREW, agreed=None, lastUpdateDate=T0 + 5000))
    scenario.land_text("customer", f"{withdrawal}\n{' '.join(OTHERS)}\n", name="later.json")
    for _ in range(2):
        assert not scenario.run().success
        for name in SELECTED:
            assert set(scenario.rows(name)) == {row for row in before[name] if not marks & set(row)}, name
            assert len(scenario.rows(name)) == 29, name
        assert dict(scenario.rows("participants")) == numbers
        assert orphans(scenario) == set()


def test_in_a_first_run_everybody_may_be_in_doubt(scenario):
    doubt(scenario, PEOPLE)
    assert scenario.run().success
    assert published(scenario) == set()
