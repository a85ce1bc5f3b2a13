"""What an erasure keeps out afterwards, and whom it must not bring in: the neighbour of a shared text or device."""

import time

import pytest

from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    SERIAL,
    ZOE,
    forget,
    her_reading,
    her_record,
    land_zoe_and_bob,
    raw_records,
    standing,
    verify,
)
from stedi_dagster_tests.scenario import T0, Scenario, checks, counts, customer, reading, step

MERGED = '{"email": "%s", "lastUpdateDate": 1, "shareWithRes{"email": "%s", "serialNumber": "%s", "phone": "'


def test_a_text_that_may_be_somebody_elses_withdrawal_counts_as_one_after_the_erasure(tmp_path):
    scenario = Scenario(tmp_path, {"max_bad_share": 1})
    land_zoe_and_bob(scenario)
    text = MERGED % (BOB, ZOE, SERIAL)
    path = scenario.land_text("customer", text, name="merged.json")
    assert scenario.run().success
    assert scenario.rows("customer_trusted") == []
    planned = forget(scenario, ZOE, "--dry-run")
    assert forget(scenario)["tables"] == planned["tables"]
    [left] = raw_records(path)
    assert left["people"] == [BOB]
    assert standing(scenario.folder) == set()
    # By a run on what stands in its place, and on the same text delivered again.
    for again in (False, True):
        if again:
            scenario.land_text("customer", text, name="again.json")
        result = scenario.run()
        assert result.success
        assert checks(result)["customer_landing", "reconciliation"].passed
        assert scenario.rows("customer_trusted") == []
        assert scenario.query("SELECT DISTINCT people, devices FROM customer_quarantine") == [(BOB, None)]
        assert standing(scenario.home) == set()
    path.unlink()
    (path.parent / "again.json").unlink()
    assert scenario.run().success
    assert [row[0] for row in scenario.query("SELECT email FROM customer_trusted")] == [BOB]


def test_a_device_that_two_people_carried_never_becomes_the_others_alone(tmp_path):
    scenario = Scenario(tmp_path)
    scenario.land("customer", her_record(), customer(BOB, serial=SERIAL))
    scenario.land("accelerometer", her_reading(), reading(BOB))
    scenario.land("step_trainer", step(SERIAL, T0 + 1000))
    assert scenario.run().success
    forget(scenario)
    later = time.time_ns() // 1_000_000
    scenario.land("accelerometer", reading(BOB, later), name="later.json")
    scenario.land("step_trainer", step(SERIAL, later), name="later.json")
    result = scenario.run()
    assert result.success
    assert counts(checks(result)["step_trainer_landing", "reconciliation"])["withheld: erased"] == 1
    for table in ("step_trainer_landing", "step_trainer_trusted", "machine_learning_curated"):
        assert scenario.rows(table) == []
    assert len(scenario.rows("accelerometer_trusted")) == 2


def test_a_registration_that_was_dated_ahead_does_not_come_back_from_an_old_file(tmp_path):
    scenario = Scenario(tmp_path)
    ahead = time.time_ns() // 1_000_000 + 5 * 60 * 60 * 1000
    hers = her_record(registrationDate=ahead, lastUpdateDate=ahead)
    scenario.land("customer", hers, customer(BOB))
    scenario.land("accelerometer", reading(BOB))
    scenario.land("step_trainer", step(f"serial-of-{BOB}"))
    assert scenario.run().success
    forget(scenario)
    scenario.land("customer", hers, name="old.json")
    assert scenario.run().success
    assert [row[0] for row in scenario.query("SELECT email FROM customer_landing")] == [BOB]


def test_a_second_erasure_takes_what_only_the_first_knew_to_be_hers(tmp_path):
    scenario = land_zoe_and_bob(Scenario(tmp_path))
    assert scenario.run().success
    forget(scenario)
    again = scenario.land("step_trainer", step(SERIAL, T0 + 1000), name="again.json")
    assert verify(scenario) == {str(again): {"serialNumber"}}
    assert forget(scenario, ZOE, "--dry-run")["raw"]["records"] == 1
    assert forget(scenario)["raw"]["records"] == 1
    assert verify(scenario) == {}


@pytest.mark.parametrize("broken", [{"lastUpdateDate": 4102444800000}, {"lastUpdateDate": "later", "phone": 5}])
def test_an_old_record_that_cannot_be_read_does_not_come_back_into_the_quarantine(tmp_path, broken):
    scenario = land_zoe_and_bob(Scenario(tmp_path, {"max_bad_share": 1}))
    path = scenario.land("customer", her_record(**broken), name="broken.json")
    text = path.read_text()
    assert scenario.run().success
    forget(scenario)
    path.write_text(text)
    assert scenario.run().success
    assert scenario.rows("customer_quarantine") == []
    assert standing(scenario.home) == set()


def test_what_has_no_address_where_it_should_goes_and_stays_out_where_it_is_known_to_be_hers(tmp_path):
    scenario = land_zoe_and_bob(Scenario(tmp_path, {"max_bad_share": 1}))
    spelt = [f"mailto:{ZOE}", f"Zoe <{ZOE}>", f"{ZOE}.", ZOE.replace("@", "%40"), "n/a"]
    hers = [*(her_record(one) for one in spelt), her_record("", serial="d-1")]
    of_bob = customer(f"mailto:{BOB}", serial=f"serial-of-{BOB}")
    path = scenario.land("customer", *hers, of_bob, customer("n/a"), name="odd.json")
    other = scenario.land("accelerometer", *({**her_reading(), "user": one} for one in spelt[:-1]), name="odd.json")
    texts = {file: file.read_text() for file in (path, other)}
    assert scenario.run().success
    forget(scenario)
    assert raw_records(path) == [of_bob, customer("n/a")]
    assert raw_records(other) == []
    assert standing(scenario.folder) == set()
    assert verify(scenario) == {}
    for file, text in texts.items():
        file.write_text(text)
    assert scenario.run().success
    assert len(scenario.rows("customer_quarantine")) == 2
    assert scenario.rows("accelerometer_quarantine") == []
    assert standing(scenario.home) == set()
