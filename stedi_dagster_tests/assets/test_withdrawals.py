"""Who withdraws leaves every table at the next run, also where the record that says so cannot be read."""

import json

import pytest

from stedi_dagster_tests.assets.builders import ANN, CID, three_people
from stedi_dagster_tests.scenario import T0, Scenario, customer

LATER = T0 + 5000
AGREEMENT = customer(ANN, lastUpdateDate=LATER)
TABLES_WITH_A_PERSON = {
    "customer_trusted": "email",
    "accelerometer_trusted": "user",
    "customers_curated": "email",
    "step_trainer_trusted": "substr(serialNumber, 11)",
}


def people(scenario: Scenario) -> dict[str, set[str]]:
    """Who is in each trusted or curated table."""
    found = {
        table: {row[0] for row in scenario.query(f"SELECT DISTINCT {who} FROM {table}")}
        for table, who in TABLES_WITH_A_PERSON.items()
    }
    in_curated = "SELECT DISTINCT email FROM machine_learning_curated JOIN participants USING (participantId)"
    return found | {"machine_learning_curated": {row[0] for row in scenario.query(in_curated)}}


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    scenario = three_people(tmp_path)
    scenario.settings["max_bad_share"] = 0.5
    assert scenario.run().success
    assert all(found == {ANN, CID} for found in people(scenario).values())
    return scenario


@pytest.mark.parametrize(
    "withdrawal",
    [
        json.dumps(customer(ANN, agreed=None, lastUpdateDate=LATER)),
        json.dumps(customer(f" {ANN.upper()}", agreed=None, lastUpdateDate=LATER)),
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": ""}),
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": 0}),
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": False}),
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": "never"}),
        json.dumps({**AGREEMENT, "serialNumber": None}),
        json.dumps({**AGREEMENT, "lastUpdateDate": "5 May 2023"}),
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": None})[:-4],
        f'{{"email": "{ANN}", "email": "{CID}x"}}',
    ],
)
def test_a_later_record_without_a_readable_agreement_takes_the_person_out(scenario, withdrawal):
    scenario.land_text("customer", withdrawal, name="later.json")
    assert scenario.run().success
    assert all(found == {CID} for found in people(scenario).values())
    scenario.land("customer", customer(ANN, lastUpdateDate=LATER + 1), name="again.json")
    assert scenario.run().success
    back = {ANN, CID} if '"lastUpdateDate": 1' in withdrawal and withdrawal.endswith("}") else {CID}
    assert all(found == back for found in people(scenario).values())
