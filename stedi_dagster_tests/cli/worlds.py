"""Published worlds that tests of commands only read."""

from pathlib import Path

from stedi_dagster_tests.scenario import Scenario, customer, reading, step


def two_people(folder: Path) -> Scenario:
    """Two people, published by hand; one text that is no record."""
    scenario = Scenario(folder, {"max_bad_share": 0.5})
    scenario.land("customer", customer(), customer("bob@example.com", agreed=None))
    scenario.land("accelerometer", reading(), reading("bob@example.com"))
    scenario.land("step_trainer", step(), step("serial-of-bob@example.com"))
    scenario.land_text("customer", '\n{"email": "half@example.com"', name="broken [bold] file.json")
    assert scenario.run().success
    return scenario
