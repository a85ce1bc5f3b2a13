"""Whoever takes back an agreement in a raw file is told of until a run has taken them out, of the history too."""

import json
import time

import pytest

from stedi_dagster.audits.standing import history
from stedi_dagster_tests.audits.standing.auditing import Audited, audit_job, found
from stedi_dagster_tests.defs.assets.builders import ANN, BOB, CID
from stedi_dagster_tests.scenario import T0, Scenario, customer

HOUR_MS = 3_600_000
LATER = T0 + 5000
AGREEMENT = customer(ANN, lastUpdateDate=LATER)


@pytest.fixture
def published(three_published: Scenario) -> Scenario:
    three_published.settings |= {"max_bad_share": 0.5}
    return three_published


def hours_ago(hours: int) -> int:
    return time.time_ns() // 1_000_000 - hours * HOUR_MS


def pending(scenario: Scenario, audited: Audited, *records: str) -> list[tuple[str, str, int]]:
    """What is told while some more records have landed and no run has seen them."""
    scenario.land_text("customer", "\n".join(records), name="later.json")
    code, told = audited(scenario)
    assert code == 0
    assert told["withdrawals"]["outcome"] == ("WARN" if found(told, "withdrawals") else "passed")
    return found(told, "withdrawals")


def test_people_who_have_withdrawn_since_the_last_run_are_counted_with_the_hours_that_they_wait(published, audited):
    withdrawals = [
        json.dumps(customer(who, agreed=None, lastUpdateDate=hours_ago(ago))) for who, ago in ((ANN, 5), (CID, 30))
    ]
    assert pending(published, audited, *withdrawals) == [
        ("customer_trusted", "people who have withdrawn, the first 30 hours ago", 2)
    ]


@pytest.mark.parametrize(
    "unreadable",
    [
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": "never", "lastUpdateDate": "yesterday"}),
        json.dumps({**AGREEMENT, "email": f" {ANN.upper()}", "lastUpdateDate": "5 May 2023"}),
        json.dumps({**AGREEMENT, "shareWithResearchAsOfDate": None})[:-4],
    ],
)
def test_what_cannot_be_read_counts_as_a_withdrawal(published, audited, unreadable):
    assert pending(published, audited, unreadable) == [
        ("customer_trusted", "people who have withdrawn, it is not said when", 1)
    ]


@pytest.mark.parametrize(
    "records",
    [
        [json.dumps(customer(BOB, agreed=None, lastUpdateDate=LATER))],
        [json.dumps(customer("new@example.com", agreed=None))],
        [json.dumps(AGREEMENT)],
        [
            json.dumps(customer(ANN, agreed=None, lastUpdateDate=LATER)),
            json.dumps({**AGREEMENT, "lastUpdateDate": LATER + 1}),
        ],
        [json.dumps(customer(ANN, agreed=None, lastUpdateDate=T0 - 1))],
    ],
    ids=["who is in no table", "who is new", "an agreement", "who agreed again", "an old one"],
)
def test_nobody_else_is(published, audited, records):
    assert pending(published, audited, *records) == []


def test_dagster_warns_too_until_the_run_has_happened(three_published):
    scenario = three_published
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=LATER), name="later.json")
    check = ("customer_trusted", "standing_withdrawals")
    evaluation = audit_job(scenario)[check]
    assert (evaluation.passed, evaluation.severity.value) == (False, "WARN")
    assert evaluation.metadata["rows"].value == 1
    assert scenario.run().success
    assert audit_job(scenario)[check].passed


def test_rows_that_can_be_travelled_back_to_for_too_long_are_an_error(three_published, audited, monkeypatch):
    scenario = three_published
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=LATER), name="later.json")
    assert scenario.run().success
    assert audited(scenario)[0] == 0
    monkeypatch.setattr(history, "_PATIENCE_MS", -1)
    code, told = audited(scenario, retention=0)
    assert code == 1
    assert ("customer_trusted", history.TOO_OLD, 2) in found(told, "history")
    evaluation = audit_job(scenario, retention=0)["customer_trusted", "standing_history"]
    assert (evaluation.passed, evaluation.severity.value) == (False, "ERROR")
    assert scenario.run(retention=0).success
    assert audited(scenario, retention=0)[1]["history"]["outcome"] == "passed"
