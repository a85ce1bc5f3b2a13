"""Nobody else loses anything, and nobody is taken for her: who shares a name, a telephone, half an address."""

import json
from typing import Any

import pytest

from stedi_dagster_tests.defs.assets.builders import contents
from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    CID,
    LEE,
    NAME,
    PHONE,
    SERIAL,
    ZOE,
    bytes_of,
    forget,
    her_reading,
    her_record,
    lines,
    raw_records,
    stedi,
    verify,
)
from stedi_dagster_tests.scenario import T0, Scenario, checks, customer, reading, step

DORA, EVE = "dora@example.com", "eve@example.com"
TIMES = (T0 + 1000, T0 + 2000)
# Bob is called like her and shares her telephone, Lee's address ends in hers, Dora says that she has her device.
OTHERS = [
    customer(BOB, customerName=NAME, phone=PHONE),
    customer(LEE),
    customer(DORA, serial=SERIAL.lower()),
    {**customer(EVE), "referredBy": ZOE, "note": f"knows {ZOE}"},
]
# Cid takes back an agreement; his record cannot be read, and she is named in it.
REFUSAL = {"email": CID, "shareWithResearchAsOfDate": "no", "friend": {"email": ZOE}, "lastUpdateDate": T0 + 1}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    scenario = Scenario(tmp_path_factory.mktemp("neighbours"), {"max_bad_share": 0.5})
    scenario.land("customer", *OTHERS[:2], her_record(), *OTHERS[2:], customer(CID))
    scenario.land("customer", REFUSAL, name="refusal.json")
    scenario.land_text("customer", f'{{"email": "{BOB}", "customerName": "{NAME}", \n', name="half.json")
    scenario.land("accelerometer", *(reading(who, at) for who in (BOB, LEE, ZOE, DORA, EVE, CID) for at in TIMES))
    scenario.land("step_trainer", *(step(f"serial-of-{who}", at) for who in (BOB, LEE, EVE, CID) for at in TIMES))
    # 218 is a distance of everybody's, and the device of hers from before.
    scenario.land("customer", her_record(serialNumber=218, lastUpdateDate=T0 - 5), name="before.json")
    scenario.land_text("step_trainer", lines(step(SERIAL), {**step(), "serialNumber": 218}), name="hers.json")
    assert scenario.run().success
    return scenario


def published(scenario: Scenario) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in contents(scenario).items() if name != "erasures"}


@pytest.fixture(scope="module")
def forgotten(world):
    before = contents(world)
    receipt = forget(world)
    struck = contents(world)
    assert world.run().success
    return before, receipt, struck, contents(world)


def test_customers_and_their_records_stay_whatever_they_share_with_her(world, forgotten):
    before, _, struck, after = forgotten
    for name in ("customer_landing", "customer_trusted", "customers_curated", "customer_quarantine", "participants"):
        others = [row for row in before[name] if ZOE not in row]
        assert struck[name] == others, name
        assert after[name] == others, name
    landing = world.landing / "customer" / "landing"
    assert raw_records(landing / "part-1.json") == [*OTHERS, customer(CID)]
    assert raw_records(landing / "refusal.json") == [REFUSAL]


def test_readings_of_others_stay(world, forgotten):
    before, _, struck, after = forgotten
    for name in ("accelerometer_landing", "accelerometer_trusted"):
        others = [row for row in before[name] if ZOE not in row]
        assert struck[name] == others
        assert after[name] == others
    for name in ("step_trainer_landing", "step_trainer_trusted"):
        others = [row for row in before[name] if not {"218", SERIAL, SERIAL.lower()} & set(map(str, row[:2]))]
        assert len(others) >= 4
        assert struck[name] == others
        assert after[name] == others


def test_who_took_back_an_agreement_in_a_text_that_names_her_stays_withheld(world, forgotten):
    assert CID not in {email for (email,) in world.query("SELECT email FROM customer_trusted")}


def test_readings_of_a_device_that_two_people_carry_go_because_they_may_be_hers(world, forgotten):
    assert raw_records(world.landing / "step_trainer" / "landing" / "hers.json") == []
    # Else they would be Dora's now, who alone carries it.
    assert world.query(f"SELECT count(*) FROM step_trainer_landing WHERE serialNumber ILIKE '{SERIAL}'") == [(0,)]


def test_what_others_have_of_hers_is_not_taken_for_her_but_her_address_is(world, forgotten):
    landing = world.landing / "customer" / "landing"
    assert verify(world) == {
        # Eve's record, and Cid's, in the raw files and in the quarantine.
        str(landing / "part-1.json"): {"email"},
        str(landing / "refusal.json"): {"email"},
        **{file: {"email"} for file in verify(world) if "/customer_quarantine/data/" in file},
    }


def test_the_audits_of_the_next_run_pass(world, forgotten):
    for name, found in checks(world.run()).items():
        assert found.passed or found.severity.name == "WARN", name


def test_an_address_nobody_has_takes_no_row_and_no_record(world, forgotten):
    before = published(world), bytes_of(world.landing)
    receipt = forget(world, "nobody@example.com")
    assert receipt["raw"] == {"files": 0, "records": 0, "versions": 0, "hidden": 0}
    assert {table["rows"] for table in receipt["tables"]} == {0}
    assert (published(world), bytes_of(world.landing)) == before
    told = stedi(world, "forget", "--yes", "nobody@example.com")
    assert "Nothing about this person was found" in told.stdout
    assert verify(world, "nobody@example.com") == {}


@pytest.mark.parametrize("consent", ["timestamp", "person"])
def test_pairs_of_her_readings_with_somebody_elses_steps_go(tmp_path, consent):
    scenario = Scenario(tmp_path, {"match": consent})
    scenario.land("customer", her_record(), customer(BOB))
    scenario.land("accelerometer", *(her_reading(at, x=7.0) for at in TIMES), reading(BOB, T0 + 1000, x=3.0))
    scenario.land("step_trainer", *(step(f"serial-of-{BOB}", at) for at in TIMES))
    assert scenario.run().success
    question = "SELECT sensorReadingTime - 1655564400000, x FROM machine_learning_curated ORDER BY ALL"
    pairs = {"timestamp": [(1000, 3.0), (1000, 7.0), (2000, 7.0)], "person": [(1000, 3.0)]}
    assert scenario.query(question) == pairs[consent]
    planned = {table["table"]: table["rows"] for table in forget(scenario, ZOE, "--dry-run")["tables"]}
    assert planned["machine_learning_curated"] == len(pairs[consent]) - 1
    forget(scenario)
    assert scenario.query(question) == [(1000, 3.0)]
    assert scenario.run().success
    assert scenario.query(question) == [(1000, 3.0)]


def test_a_record_between_two_that_cannot_be_read_is_taken_out(tmp_path):
    scenario = Scenario(tmp_path, {"max_bad_share": 1})
    path = scenario.land_text("customer", f"a half\n{json.dumps(her_record())}\nanother\n{lines(customer(BOB))}")
    scenario.land("accelerometer", reading(BOB))
    scenario.land("step_trainer", step(f"serial-of-{BOB}"))
    assert scenario.run().success
    forget(scenario)
    assert path.read_text() == f"a half\nanother\n{lines(customer(BOB))}"


def test_a_raw_file_behind_a_link_is_rewritten_where_it_is(tmp_path):
    scenario = Scenario(tmp_path)
    elsewhere = tmp_path / "delivered.json"
    elsewhere.write_text(lines(her_record(), customer(BOB)))
    (scenario.landing / "customer" / "landing" / "link.json").symlink_to(elsewhere)
    scenario.land("accelerometer", reading(BOB))
    scenario.land("step_trainer", step(f"serial-of-{BOB}"))
    assert scenario.run().success
    assert forget(scenario)["raw"]["records"] == 1
    assert raw_records(elsewhere) == [customer(BOB)]
    assert (scenario.landing / "customer" / "landing" / "link.json").is_symlink()
