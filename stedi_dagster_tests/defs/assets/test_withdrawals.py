"""Who withdraws leaves every table at the next run, also where the record that says so cannot be read."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pyiceberg.table import Table

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.defs.assets.builders import ANN, BOB, CID, orphans, tables
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

pytestmark = pytest.mark.long

EVE = "eve@example.com"
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
def scenario(three_published) -> Scenario:
    scenario: Scenario = three_published
    scenario.settings["max_bad_share"] = 0.5
    assert all(found == {ANN, CID} for found in people(scenario).values())
    return scenario


# How somebody takes back an agreement, by the name of who does it so.
WITHDRAWALS: dict[str, Callable[[str], str]] = {
    "left-out": lambda who: json.dumps(customer(who, agreed=None, lastUpdateDate=LATER)),
    "in-capitals": lambda who: json.dumps(customer(f" {who.upper()}", agreed=None, lastUpdateDate=LATER)),
    "blank": lambda who: later(who, shareWithResearchAsOfDate=""),
    "zero": lambda who: later(who, shareWithResearchAsOfDate=0),
    "false": lambda who: later(who, shareWithResearchAsOfDate=False),
    "never": lambda who: later(who, shareWithResearchAsOfDate="never"),
    "without-a-device": lambda who: later(who, serialNumber=None),
    "dated-in-words": lambda who: later(who, lastUpdateDate="5 May 2023"),
    "cut-off": lambda who: later(who, shareWithResearchAsOfDate=None)[:-4],
    "with-two-addresses": lambda who: f'{{"email": "{who}", "email": "{CID}x"}}',
}
# Nobody can tell whether these came before a later agreement.
WITHOUT_A_DATE = {"dated-in-words", "cut-off", "with-two-addresses"}


def later(who: str, **values: Any) -> str:
    """A later record of somebody, with an agreement but for what is given."""
    return json.dumps({**customer(who, lastUpdateDate=LATER), **values})


def test_a_later_record_without_a_readable_agreement_takes_the_person_out(tmp_path, sail_url):
    scenario = Scenario(tmp_path, {"engine": sail_url, "max_bad_share": 0.9})
    them = {name: f"{name}@example.com" for name in WITHDRAWALS}
    everybody = {CID, *them.values()}
    scenario.land("customer", *map(customer, everybody))
    scenario.land("accelerometer", *map(reading, everybody))
    scenario.land("step_trainer", *(step(f"serial-of-{who}") for who in everybody))
    assert scenario.run().success
    assert all(found == everybody for found in people(scenario).values())
    for name, withdrawal in WITHDRAWALS.items():
        scenario.land_text("customer", withdrawal(them[name]), name=f"{name}.json")
    assert scenario.run().success
    assert all(found == {CID} for found in people(scenario).values())
    again = (customer(who, lastUpdateDate=LATER + 1) for who in them.values())
    scenario.land("customer", *again, name="again.json")
    assert scenario.run().success
    back = {CID, *(who for name, who in them.items() if name not in WITHOUT_A_DATE)}
    assert all(found == back for found in people(scenario).values())


@pytest.mark.parametrize(
    "withdrawal",
    [
        customer(ANN, agreed=None, lastUpdateDate=LATER),
        {**AGREEMENT, "shareWithResearchAsOfDate": "never"},
    ],
    ids=["that can be read", "that cannot"],
)
def test_who_agrees_again_after_a_withdrawal_is_somebody_new(scenario, withdrawal):
    before = dict(scenario.rows("participants"))
    scenario.land("customer", withdrawal, name="later.json")
    assert scenario.run().success
    assert dict(scenario.rows("participants")) == {CID: before[CID]}
    scenario.land("customer", customer(ANN, lastUpdateDate=LATER + 1), name="again.json")
    assert scenario.run().success
    after = dict(scenario.rows("participants"))
    assert after[CID] == before[CID]
    assert after[ANN] != before[ANN]


def test_lines_that_cannot_be_told_apart_name_everybody_who_stands_on_them(scenario):
    scenario.land("customer", customer(EVE), name="eve.json")
    assert scenario.run().success
    lines = (
        '{"email": "dora@example.com", "notes": [{"of": "hers"},\n'
        f'"{ANN} asks to be left out",\n'
        f"so does {EVE.upper()}, too\n"
    )
    scenario.land_text("customer", lines, name="later.json")
    assert scenario.run(max_bad_share=0.9).success
    [(text, named)] = scenario.query("SELECT raw, people FROM customer_quarantine")
    assert text == lines.strip()
    assert {"dora@example.com", ANN, EVE} <= set(named.split("\n"))
    assert all(found == {CID} for found in people(scenario).values())


def test_a_text_that_was_cut_within_an_address_takes_out_whoever_it_begins(scenario):
    scenario.land("customer", customer(EVE), name="eve.json")
    scenario.land_text("customer", f'{{"phone": "1", "email": "{ANN[:-8]}', name="later.json")
    assert scenario.run().success
    assert people(scenario)["customer_trusted"] == {CID, EVE}
    scenario.land_text("customer", "junk\n" * 99 + f'{{"email": "{EVE[:-8]}', name="more.json")
    assert not scenario.run().success
    assert all(found == {CID} for found in people(scenario).values())


def test_a_rule_that_withholds_somebody_for_a_while_leaves_their_participant_id(scenario):
    before = scenario.rows("participants")
    scenario.land("customer", customer(BOB, birthDay="2001-01-01", lastUpdateDate=LATER), name="more.json")
    assert scenario.run(max_age=30).success
    assert scenario.rows("customers_curated") != []
    assert scenario.run().success
    assert set(before) < set(scenario.rows("participants"))


def reachable_people(scenario: Scenario) -> set[str]:
    """Whom any snapshot, also a former one, of a trusted or curated table holds."""
    found = set()
    for name, who in (("customer_trusted", "email"), ("accelerometer_trusted", "user"), ("customers_curated", "email")):
        table = published(scenario, name)
        for snapshot in table.metadata.snapshots:
            found.update(table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()[who].to_pylist())
    return found


def published(scenario: Scenario, name: str) -> Table:
    table = scenario.lakehouse().table(name)
    assert table is not None
    return table


def test_time_travel_reaches_who_withdrew_until_the_retention_is_over(scenario):
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=LATER), name="later.json")
    assert scenario.run().success
    assert ANN in reachable_people(scenario)
    assert scenario.run(retention=0).success
    assert reachable_people(scenario) == {CID}


def test_with_a_retention_of_zero_the_run_that_takes_somebody_out_leaves_nothing_to_travel_back_to(scenario):
    for name in TABLES:
        table = published(scenario, name)
        table.manage_snapshots().create_tag(table.metadata.snapshots[-1].snapshot_id, "kept").commit()
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=LATER), name="later.json")
    assert scenario.run(retention=0).success
    assert reachable_people(scenario) == {CID}
    assert orphans(scenario) == set()
    assert [table.name() for table in tables(scenario) if len(table.metadata.snapshots) != 1] == []
    files = [path for path in (scenario.home / "warehouse").rglob("*") if path.is_file()]
    assert [path for path in files if "trusted" in str(path) and ANN.encode() in path.read_bytes()] == []
