"""Who was erased and has registered anew can withdraw like anybody: no refusal is taken for an old one."""

import time
from pathlib import Path

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.erasure.unique_person import (
    ZOE,
    forget,
    her_reading,
    her_record,
    her_step,
    land_zoe_and_bob,
    lines,
    numbers,
)
from stedi_dagster_tests.scenario import T0, Scenario

DERIVED = [name for name in TABLES if not name.endswith("_landing")]


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, int]:
    """Bob, and Zoe who was erased and is there again since a moment (epoch ms)."""
    scenario = land_zoe_and_bob(Scenario(tmp_path_factory.mktemp("anew"), {"max_bad_share": 0.9}))
    assert scenario.run().success
    forget(scenario)
    time.sleep(0.01)
    since = time.time_ns() // 1_000_000
    scenario.land("customer", her_record(registrationDate=since, lastUpdateDate=since), name="anew.json")
    scenario.land("accelerometer", her_reading(since), name="anew.json")
    scenario.land("step_trainer", her_step(since), name="anew.json")
    assert tables_with_her(scenario) == set(DERIVED)
    return scenario, since


def tables_with_her(scenario: Scenario) -> set[str]:
    """In which derived tables she is after a run; where she has no address, by her participantId."""
    assert scenario.run().success
    hers = {ZOE, "0xfeedbeef", numbers(scenario).get(ZOE, "")}
    return {name for name in DERIVED if any(hers.intersection(row) for row in scenario.rows(name))}


def landed(scenario: Scenario, text: str) -> Path:
    scenario.land_text("customer", text, name="later.json")
    return scenario.landing / "customer" / "landing" / "later.json"


@pytest.mark.parametrize(
    "refusal",
    [
        {"shareWithResearchAsOfDate": None, "registrationDate": T0, "lastUpdateDate": "after"},
        {"shareWithResearchAsOfDate": None, "registrationDate": None, "lastUpdateDate": None},
        {"shareWithResearchAsOfDate": "", "registrationDate": T0, "lastUpdateDate": "after"},
        {"shareWithResearchAsOfDate": "", "registrationDate": None, "lastUpdateDate": None},
        "cut off",
    ],
    ids=["later", "undated", "later, unreadable", "undated, unreadable", "cut off"],
)
def test_what_may_be_a_refusal_withholds_them(anew, refusal):
    scenario, since = anew
    if refusal == "cut off":
        text = lines(her_record())[:-4]
    else:
        text = lines(her_record(**{key: since + 1 if value == "after" else value for key, value in refusal.items()}))
    later = landed(scenario, text)
    try:
        assert tables_with_her(scenario) == set()
    finally:
        later.unlink()
    assert tables_with_her(scenario) == set(DERIVED)


@pytest.mark.parametrize("share", [None, "", T0], ids=["refusal", "unreadable", "agreement"])
def test_what_was_written_before_the_erasure_is_dropped(anew, share):
    scenario, _ = anew
    old = landed(
        scenario, lines(her_record(shareWithResearchAsOfDate=share, registrationDate=T0, lastUpdateDate=T0 + 1))
    )
    try:
        assert tables_with_her(scenario) == set(DERIVED)
        assert [T0] not in [row[:1] for row in scenario.query("SELECT registrationDate FROM customer_landing")]
        assert scenario.rows("customer_quarantine") == []
    finally:
        old.unlink()


def test_an_agreement_with_the_old_registration_does_not_bring_back_anything(anew):
    scenario, since = anew
    later = landed(scenario, lines(her_record(registrationDate=T0, lastUpdateDate=since + 1)))
    try:
        assert tables_with_her(scenario) == set(DERIVED)
        assert scenario.query(f"SELECT count(*) FROM customer_landing WHERE email = '{ZOE}'") == [(1,)]
    finally:
        later.unlink()
