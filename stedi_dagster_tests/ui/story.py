"""What happens in the tests of the UI and in the screenshots: who lands what."""

import json
from pathlib import Path
from typing import Any

from stedi_dagster.sample import generate
from stedi_dagster_tests.scenario import Scenario

_DAY = 24 * 60 * 60 * 1000
_CONSENT = "shareWithResearchAsOfDate"


def generated_world(folder: Path, scale: float = 0.05) -> Scenario:
    """A landing zone of made-up people."""
    scenario = Scenario(folder)
    generate(scenario.landing, scale=scale)
    return scenario


def land_withdrawals(scenario: Scenario, people: int) -> list[dict[str, Any]]:
    """Some who agreed withdraw a day later; return what they land."""
    lines = [
        line
        for file in sorted((scenario.landing / "customer" / "landing").glob("*.json"))
        for line in file.read_text().splitlines()
    ]
    agreed = [record for record in map(json.loads, lines) if record.get(_CONSENT)]
    withdrawals = [
        {key: value for key, value in record.items() if key != _CONSENT}
        | {"lastUpdateDate": record["lastUpdateDate"] + _DAY}
        for record in agreed[:people]
    ]
    scenario.land("customer", *withdrawals, name="withdrawals.json")
    return withdrawals
