"""Who was erased stays out, whatever old file comes again, until they register anew."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.defs.assets.builders import contents
from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    PHONE,
    SERIAL,
    ZOE,
    forget,
    her_reading,
    her_record,
    her_step,
    land_zoe_and_bob,
    numbers,
    standing,
    verify,
)
from stedi_dagster_tests.scenario import Scenario, checks, counts, customer


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Erased, delivered again, registered anew, erased again, delivered again: what was there after each."""
    scenario = Scenario(tmp_path_factory.mktemp("again"), {"max_bad_share": 0.5})
    land_zoe_and_bob(scenario)
    scenario.land_text("accelerometer", f'{{"user": "{ZOE}", "x": ', name="half.json")
    told: dict[str, Any] = {"scenario": scenario}
    assert scenario.run().success
    told["first number"] = numbers(scenario)[ZOE]
    old = Path(shutil.copytree(scenario.landing, scenario.folder / "old"))
    scenario.land_text("customer", f'{{"email": "{ZOE}", "phone": "{PHONE}', name="half.json")
    shutil.copytree(scenario.landing, old, dirs_exist_ok=True)
    forget(scenario)
    shutil.copytree(old, scenario.landing, dirs_exist_ok=True)
    told["again"] = scenario.run()
    told["rows again"] = contents(scenario)
    told["stands again"] = standing(scenario.home)
    told["verified again"] = verify(scenario)
    time.sleep(0.01)
    scenario.land(
        "customer", her_record(f" {ZOE.upper()}", registrationDate=now_ms(), lastUpdateDate=now_ms()), name="new.json"
    )
    since = now_ms()
    scenario.land("accelerometer", her_reading(since), name="new.json")
    scenario.land("step_trainer", her_step(since), name="new.json")
    told["in doubt"] = scenario.run()
    told["rows in doubt"] = contents(scenario)
    (scenario.landing / "customer" / "landing" / "half.json").unlink()
    told["anew"] = scenario.run()
    told["rows anew"] = contents(scenario)
    told["numbers anew"] = numbers(scenario)
    shutil.copytree(scenario.landing, old, dirs_exist_ok=True)
    told["second receipt"] = forget(scenario)
    shutil.copytree(old, scenario.landing, dirs_exist_ok=True)
    told["third"] = scenario.run()
    told["rows at last"] = contents(scenario)
    shutil.rmtree(old)
    return told


def hers(rows: dict[str, Any], *also: str) -> dict[str, int]:
    words = [ZOE, SERIAL.lower(), *also]
    found = {name: sum(any(word in repr(row).lower() for word in words) for row in rows[name]) for name in rows}
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize(("run", "rows"), [("again", "rows again"), ("third", "rows at last")])
def test_an_old_file_brings_nothing_of_hers_into_any_table(told, run, rows):
    assert told[run].success
    assert hers(told[rows], told["first number"]) == {}
    assert len(told[rows]["customer_trusted"]) == 1


def test_old_files_leave_nothing_of_hers_in_the_warehouse_and_verify_finds_only_them(told):
    assert told["stands again"] == set()
    landing = str(told["scenario"].landing)
    assert told["verified again"]
    assert all(file.startswith(landing) for file in told["verified again"])


def test_the_rows_reconcile(told):
    for table, erased in {"customer_landing": 2, "accelerometer_landing": 3, "step_trainer_landing": 2}.items():
        found = checks(told["again"])[table, "reconciliation"]
        assert found.passed
        assert counts(found)["withheld: erased"] == erased
        quarantine = checks(told["again"])[table, "quarantine"]
        assert quarantine.passed
    assert told["rows again"]["customer_quarantine"] == []
    assert told["rows again"]["accelerometer_quarantine"] == []


def test_every_audit_passes(told):
    for run in ("again", "in doubt", "anew", "third"):
        for name, found in checks(told[run]).items():
            assert found.passed or found.severity.name == "WARN", (run, name)


def test_who_registers_anew_is_withheld_while_an_old_file_holds_what_may_be_a_refusal_and_has_no_date(told):
    assert told["in doubt"].success
    assert hers(told["rows in doubt"]) == {
        "accelerometer_landing": 1,
        "customer_landing": 1,
        "customer_quarantine": 1,
        "step_trainer_landing": 1,
    }


def test_who_registers_anew_is_a_new_participant_with_new_readings_only(told):
    assert told["anew"].success
    number = told["numbers anew"][ZOE]
    assert number != told["first number"]
    rows = told["rows anew"]
    assert hers(rows, number) == {
        "accelerometer_landing": 1,
        "accelerometer_trusted": 1,
        "customer_landing": 1,
        "customer_trusted": 1,
        "customers_curated": 1,
        "machine_learning_curated": 1,
        "participants": 1,
        "step_trainer_landing": 1,
        "step_trainer_trusted": 1,
    }


def test_the_second_receipt_has_her_rows_again(told):
    rows = {table["table"]: table["rows"] for table in told["second receipt"]["tables"]}
    assert all(rows[name] == 1 for name in TABLES)
    assert rows["participants"] == 1


def test_bob_has_what_he_had(told):
    for rows in ("rows again", "rows anew", "rows at last"):
        assert [row for row in told[rows]["customer_landing"] if BOB in row]
        assert len([row for row in told[rows]["accelerometer_trusted"] if BOB in row]) == 2


def test_the_ledger_holds_two_erasures_and_digests_only(told):
    scenario = told["scenario"]
    assert scenario.query("SELECT count(DISTINCT erasure), count(*) FILTER (completedAt IS NULL) FROM erasures") == [
        (2, 0)
    ]
    assert all(ZOE not in repr(row) and SERIAL.lower() not in repr(row).lower() for row in scenario.rows("erasures"))
    assert customer(ZOE)["phone"] not in repr(scenario.rows("erasures"))
