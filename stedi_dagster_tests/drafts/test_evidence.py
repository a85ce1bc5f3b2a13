"""Under `serials=evidence`, too, tables made run after run are what making them in full would make them."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.audits.gate import evidence
from stedi_dagster.drafts.made import Made
from stedi_dagster.settings.policy import Policy, StepPeople
from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.scenario import T0, customer, reading, step

pytestmark = pytest.mark.long

ANN, BOB, CID, ZOE = (f"{name}@example.com" for name in ("ann", "bob", "cid", "zoe"))
STEPS, PAIRS = "step_trainer_trusted", "machine_learning_curated"
SHARED = "shared"


@pytest.mark.parametrize("step_people", ["curated", "trusted"])
def test_whatever_is_new_the_tables_are_what_making_them_in_full_makes(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch, step_people: StepPeople
) -> None:
    monkeypatch.setattr(evidence, "FEWEST_KNOWN", 1)
    making = Making(tmp_path, sail, Policy(serials="evidence", step_people=step_people))
    land = making.scenario.land
    # Of Zoe's own device it is known whose the readings are.
    land("customer", *(customer(who, serial=SHARED) for who in (ANN, BOB)), customer(ZOE), customer(CID, agreed=None))
    land("accelerometer", *(reading(who, T0 + at, x=1.0) for at, who in enumerate((ANN, BOB, ANN, ZOE, ANN))))
    land("step_trainer", *(step(SHARED, T0 + at) for at in range(6)), step(f"serial-of-{ZOE}", T0 + 3))

    def made() -> tuple[Made, Made]:
        making.run()
        assert making.holds() == making.in_full()
        return making.drafts[STEPS].made, making.drafts[PAIRS].made

    def attributed() -> int:
        return sum(row[-1] is not None for row in making.rows(STEPS))

    assert made() == (Made.FULL, Made.FULL)
    assert attributed() == 4
    assert made() == (Made.UNCHANGED, Made.UNCHANGED)
    # Bob's reading at a moment of Ann's; a second reading of hers at another moment, which changes whose nothing is.
    land("accelerometer", reading(BOB, T0), name="both.json")
    assert made()[0] == Made.FULL
    assert attributed() == 3
    land("accelerometer", reading(ANN, T0 + 2, x=2.0), name="more.json")
    # The rows are the same, and what is made of them follows.
    assert made() == (Made.UNCHANGED, Made.APPENDED)
    assert len(making.rows(PAIRS)) == 3 + 1 + 1
    # Ann has another device from now on; Cid, who refuses and never moves, carries the old one; he begins to.
    land("customer", customer(ANN, serial="new", lastUpdateDate=T0 + 50), name="moved.json")
    made()
    assert attributed() == 1
    land("customer", customer(CID, serial=SHARED, agreed=None, lastUpdateDate=T0 + 60), name="cid.json")
    made()
    assert attributed() == 0
    land("accelerometer", reading(CID, T0 + 77), name="cid.json")
    made()
    assert attributed() == 1
    making.forget(BOB)
    made()
    assert attributed() == 0
