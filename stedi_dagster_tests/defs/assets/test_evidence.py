"""Runs under STEDI_SERIALS=evidence: what is published of a shared serial number, what the gate stops, who leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.evidence import KNOWN, MISTAKEN, ROWS, WRONG_ROWS
from stedi_dagster_tests.audits.standing.auditing import audit_job
from stedi_dagster_tests.defs.assets.builders import keeping, metadata, plant
from stedi_dagster_tests.erasure.unique_person import forget, verify
from stedi_dagster_tests.releases.worlds import make
from stedi_dagster_tests.scenario import T0, Scenario, checks, counts, customer, reading, step
from stedi_dagster_tests.sql.violations.rows import named
from stedi_dagster_tests.sql.worlds import adding, planted, with_values

pytestmark = pytest.mark.long

ANN, BOB, CID, ZOE = (f"{name}@example.com" for name in ("ann", "bob", "cid", "zoe"))
STEPS, PAIRS = "step_trainer_trusted", "machine_learning_curated"
BY_EVIDENCE = (
    f'SELECT "serialNumber", "sensorReadingTime", "attributedTo" FROM {STEPS} WHERE "attributedTo" IS NOT NULL'
)
PAIRED = f"SELECT email, sensorReadingTime FROM {PAIRS} JOIN participants USING (participantId)"
WITHDRAWAL = customer(ANN, serial="shared", agreed=None, lastUpdateDate=T0 + 5000)


def land(scenario: Scenario) -> Scenario:
    """Ann, Cid and Bob, who refuses, carry one serial number; Zoe walks a thousand steps on one of her own."""
    scenario.land(
        "customer",
        *(customer(who, serial=" Shared") for who in (ANN, CID)),
        customer(BOB, serial="shared", agreed=None),
    )
    scenario.land("customer", customer(ZOE), name="zoe.json")
    scenario.land(
        "accelerometer", *(reading(who, T0 + at, x=float(at)) for at, who in enumerate((ANN, ANN, CID, CID, BOB, ANN)))
    )
    scenario.land("accelerometer", reading(CID, T0 + 1, x=9.0), name="both.json")
    scenario.land("step_trainer", *(step("shared", T0 + at) for at in range(7)))
    walked = range(T0 + 10_000, T0 + 11_000)
    scenario.land("accelerometer", *(reading(ZOE, at) for at in walked), name="zoe.json")
    scenario.land("step_trainer", *(step(f"serial-of-{ZOE}", at) for at in walked), name="zoe.json")
    return scenario


@pytest.fixture
def scenario(tmp_path: Path, sail_url: str) -> Scenario:
    return land(Scenario(tmp_path, {"engine": sail_url, "serials": "evidence"}))


OF_ANN = [("shared", T0, ANN), ("shared", T0 + 5, ANN)]
OF_CID = [("shared", T0 + 2, CID), ("shared", T0 + 3, CID)]


def by_evidence(scenario: Scenario) -> list[tuple[Any, ...]]:
    return sorted(scenario.query(BY_EVIDENCE), key=lambda row: (row[2], row[1]))


def paired(scenario: Scenario) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for email, at in sorted(scenario.query(PAIRED)):
        if email != ZOE:
            found.setdefault(email, []).append(at - T0)
    return found


def passed(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What a good run recorded of step_trainer_trusted."""
    assert result.success
    assert all(check.passed for name, check in checks(result).items() if name[1] != "serial_conflicts")
    return metadata(result, STEPS)


def test_readings_go_to_the_carrier_who_moved_and_follow_what_is_new(scenario: Scenario) -> None:
    made = passed(scenario.run())
    assert (made["rows_on_evidence"], made["dagster/row_count"]) == (4, 1_004)
    assert made["withheld/several carriers of the serial number moved at that time"] == 1
    assert made["withheld/no carrier of the serial number moved at that time"] == 1
    assert made["withheld/of nobody in customers_curated"] == 1
    assert by_evidence(scenario) == OF_ANN + OF_CID
    assert paired(scenario) == {ANN: [0, 5], CID: [2, 3]}
    assert all(evaluation.passed for evaluation in audit_job(scenario).values())

    again = passed(scenario.run())
    assert (again["made"], again["rows_on_evidence"]) == ("unchanged", 4)
    # By the rule of three, of a thousand known readings without a mistake.
    origin = make(scenario).origin
    assert (origin.on_evidence, origin.false_at_most) == (4, 0.3)
    # Bob, who refuses, moved when Ann did.
    scenario.land("accelerometer", reading(BOB, T0), name="late.json")
    later = passed(scenario.run())
    assert later["made"] == "full"
    assert later["why"] == "accelerometer_landing is new"
    assert by_evidence(scenario) == OF_ANN[1:] + OF_CID
    assert paired(scenario) == {ANN: [5], CID: [2, 3]}
    # Somebody without the app carries it, too.
    scenario.land("customer", customer("app@example.com", serial="SHARED"), name="app.json")
    assert passed(scenario.run())["withheld/a carrier of the serial number has no accelerometer reading"] == 7
    assert by_evidence(scenario) == []
    assert paired(scenario) == {}
    assert all(evaluation.passed for evaluation in audit_job(scenario).values())


def test_by_default_they_are_withheld_and_so_they_are_again_when_the_rules_are(scenario: Scenario) -> None:
    for serials, rows in (("unique", []), ("evidence", OF_ANN + OF_CID), ("unique", [])):
        made = passed(scenario.run(serials=serials))
        assert made["rows_on_evidence"] == len(rows)
        assert by_evidence(scenario) == rows
        assert list(paired(scenario)) == ([ANN, CID] if rows else [])
        assert all(evaluation.passed for evaluation in audit_job(scenario, serials=serials).values())
    found = audit_job(scenario)[STEPS, "standing_reconciliation"]
    assert counts(found) == {"rows that are missing": 4}


def wrongly(who: str) -> Callable[[DataFrame, Any], DataFrame]:
    """All that rests on evidence is somebody's."""
    named = F.when(F.col("attributedTo").isNotNull(), F.lit(who))
    return lambda kept, _frames: kept.withColumn("attributedTo", named)


def test_the_gate_stops_rows_that_are_given_to_another_carrier(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed(scenario.run())
    with monkeypatch.context() as fault:
        plant(fault, STEPS, keeping(wrongly(CID)))
        result = scenario.run()
    assert not result.success
    found = checks(result)
    assert {name: counts(found[STEPS, "evidence"])[name] for name in (ROWS, WRONG_ROWS)} == {ROWS: 4, WRONG_ROWS: 2}
    # They all agreed.
    assert found[STEPS, "consent"].passed
    assert by_evidence(scenario) == OF_ANN + OF_CID


def test_the_gate_stops_evidence_where_the_rules_do_not_go_by_it(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests = keeping(lambda kept, _frames: kept.withColumn("attributedTo", F.lit(ZOE)))
    with monkeypatch.context() as fault:
        plant(fault, STEPS, rests)
        result = scenario.run(serials="unique")
    assert not checks(result)[STEPS, "evidence"].passed
    assert counts(checks(result)[STEPS, "evidence"]) == {ROWS: 1_000}


def test_the_gate_stops_evidence_of_a_kind_that_is_often_wrong(scenario: Scenario) -> None:
    passed(scenario.run())
    # Yan's steps were taken while Zoe moved, and he has no reading of these moments.
    scenario.land("customer", customer("yan@example.com"), name="yan.json")
    scenario.land("accelerometer", reading("yan@example.com", T0 - 9), name="yan.json")
    his = (step("serial-of-yan@example.com", T0 + 10_000 + at) for at in range(20))
    scenario.land("step_trainer", *his, name="yan.json")
    result = scenario.run()
    assert not result.success
    evaluation = checks(result)[STEPS, "evidence"]
    assert {name: counts(evaluation)[name] for name in (KNOWN, MISTAKEN)} == {KNOWN: 1_020, MISTAKEN: 20}
    assert "STEDI_EVIDENCE wants 99.900%" in str(evaluation.description)
    assert by_evidence(scenario) == OF_ANN + OF_CID
    assert scenario.run(evidence=0.98).success


def test_the_gate_stops_evidence_that_cannot_be_judged(scenario: Scenario) -> None:
    scenario.land("step_trainer", name="zoe.json")
    result = scenario.run()
    assert not result.success
    assert counts(checks(result)[STEPS, "evidence"])[KNOWN] == 0
    assert "1,000 are needed" in str(checks(result)[STEPS, "evidence"].description)
    assert scenario.run(serials="unique").success


PLANTED: dict[str, tuple[dict[str, Any], dict[tuple[str, str], dict[str, int]]]] = {
    "given to another carrier": (
        {STEPS: with_values({"attributedTo": CID}, sensorReadingTime=T0)},
        {
            (STEPS, "ambiguous_serials"): {"rows of a serial number that several people carry": 1},
            (STEPS, "reconciliation"): {"rows that are missing": 1, "rows too many": 1},
            (PAIRS, "references"): {"rows without their step reading in step_trainer_trusted": 1},
        },
    ),
    "given to nobody": (
        {STEPS: with_values({"attributedTo": None}, sensorReadingTime=T0)},
        {
            (STEPS, "ambiguous_serials"): {"rows of a serial number that several people carry": 1},
            (STEPS, "consent"): {"rows of people who do not agree to research": 1},
        },
    ),
    "given to who refuses": (
        {STEPS: with_values({"attributedTo": BOB}, sensorReadingTime=T0)},
        {
            (STEPS, "consent"): {"rows of people who do not agree to research": 1},
            (STEPS, "references"): {"rows of nobody in customers_curated": 1},
        },
    ),
    "a pair of another carrier": (
        {
            PAIRS: adding(
                {
                    "participantId": "{cid}",
                    "sensorReadingTime": T0,
                    "distanceFromObject": 218,
                    **dict.fromkeys("xyz", 0.0),
                }
            )
        },
        {
            (PAIRS, "ambiguous_serials"): {"rows of a serial number that several people carry": 1},
            (PAIRS, "same_person"): {
                "rows with a step reading of somebody else": 1,
                "rows with an accelerometer reading of somebody else": 1,
            },
        },
    ),
    "who refuses moved, too": (
        {"accelerometer_landing": adding(reading(f" {BOB.upper()}", T0))},
        {
            (STEPS, "ambiguous_serials"): {"rows of a serial number that several people carry": 1},
            (PAIRS, "ambiguous_serials"): {"rows of a serial number that several people carry": 1},
            (PAIRS, "same_person"): {"rows with a step reading of somebody else": 1},
            (STEPS, "reconciliation"): {"rows too many": 1},
        },
    ),
}


def test_standing_audits_find_what_is_planted(scenario: Scenario) -> None:
    passed(scenario.run())
    numbers = dict(scenario.query("SELECT email, participantId FROM participants"))
    for changes, expected in PLANTED.values():
        with planted(scenario, {table: named(change, numbers) for table, change in changes.items()}):
            found = audit_job(scenario)
        for (table, audit), problems in expected.items():
            assert counts(found[table, f"standing_{audit}"]) == problems, (table, audit)
    asked = {audit for _, expected in PLANTED.values() for _, audit in expected}
    found = audit_job(scenario)
    assert all(check.passed for (_, name), check in found.items() if name.removeprefix("standing_") in asked)


def test_who_withdraws_takes_these_rows_along(scenario: Scenario) -> None:
    passed(scenario.run())
    scenario.land("customer", WITHDRAWAL, name="later.json")
    passed(scenario.run())
    assert by_evidence(scenario) == OF_CID
    assert paired(scenario) == {CID: [2, 3]}


def test_who_withdraws_takes_them_along_where_a_table_cannot_be_made(scenario: Scenario) -> None:
    passed(scenario.run())
    scenario.land("customer", WITHDRAWAL, name="later.json")
    scenario.land_text("step_trainer", "junk\n" * 9_999, name="junk.txt")
    assert not scenario.run().success
    assert by_evidence(scenario) == OF_CID
    assert paired(scenario) == {CID: [2, 3]}


def test_an_erasure_takes_them_along_and_leaves_those_of_other_carriers_to_the_next_run(scenario: Scenario) -> None:
    passed(scenario.run())
    forget(scenario, ANN)
    assert by_evidence(scenario) == OF_CID
    assert paired(scenario) == {CID: [2, 3]}
    assert verify(scenario, ANN) == {}
    # Of a serial number that she shared no reading lands any more: any may be hers.
    passed(scenario.run())
    assert by_evidence(scenario) == []
    assert paired(scenario) == {}
