"""What the pipeline has missed, or could not judge, is an error of the audit `withdrawals` and not a warning."""

import gzip
import json
from typing import Any

import pytest

from stedi_dagster.audits.standing.withdrawals import REFUSED, UNJUDGED
from stedi_dagster.drafts import withdrawn
from stedi_dagster_tests.audits.standing.auditing import Audited, Told, found
from stedi_dagster_tests.defs.assets.builders import ANN, CID
from stedi_dagster_tests.scenario import T0, Scenario, customer

pytestmark = pytest.mark.long

SAID = "people who have withdrawn, it is not said when"
WHO = {"customer_trusted": "email", "customers_curated": "email", "accelerometer_trusted": "user"}
WITHDRAWAL = json.dumps(customer(ANN, agreed=None, lastUpdateDate=T0 + 5000))


@pytest.fixture
def scenario(three_published: Scenario) -> Scenario:
    three_published.settings |= {"max_bad_share": 0.5}
    return three_published


def errors(audited: Audited, scenario: Scenario) -> dict[str, int]:
    """What the audit finds, which must be an error."""
    code, told = audited(scenario)
    assert (code, told["withdrawals"]["outcome"]) == (1, "ERROR")
    return {problem: rows for _, problem, rows in found(told, "withdrawals")}


def passes(audited: Audited, scenario: Scenario) -> Told:
    code, told = audited(scenario)
    assert (code, told["withdrawals"]["outcome"]) == (0, "passed")
    return told


@pytest.mark.parametrize(
    "text",
    [
        f'{{"email": "{ANN}", "serialNumber": {{}}}}',
        f"{ANN} wants to go",
        f"mailto:{ANN.replace('@', '%40')}?subject=stop",
    ],
)
def test_whom_a_blind_pipeline_leaves_is_found(scenario, audited, monkeypatch, text):
    scenario.land_text("customer", text, name="later.json")
    with monkeypatch.context() as blind:
        blind.setattr("stedi_dagster.landing.mentions.addresses_in", lambda _: set())
        blind.setattr("stedi_dagster.landing.mentions.readings", lambda _: iter(()))
        assert scenario.run().success
    assert (ANN,) in scenario.query("SELECT email FROM customer_trusted")
    assert errors(audited, scenario) == {SAID: 1}


@pytest.mark.parametrize(
    "content",
    [b"PAR1" + bytes(40) + b"PAR1", gzip.compress(WITHDRAWAL.encode() * 99)[:-20]],
    ids=["a format that is not read", "damaged"],
)
def test_a_file_that_cannot_be_judged_is_an_error_until_it_is_away(scenario, audited, content):
    file = scenario.land_text("customer", content, name="later.json")
    assert errors(audited, scenario)[UNJUDGED] == 1
    file.unlink()
    passes(audited, scenario)


def test_a_refused_feed_is_an_error_until_a_run_has_taken_it(scenario, audited):
    junk = scenario.land_text("customer", "junk\n" * 99, name="junk.json")
    assert not scenario.run().success
    assert errors(audited, scenario) == {REFUSED: 1}
    junk.unlink()
    assert errors(audited, scenario) == {REFUSED: 1}
    assert scenario.run().success
    passes(audited, scenario)


def test_who_stays_because_a_refused_feed_names_too_many_is_an_error(scenario, audited):
    others = [f"p{number}@example.com" for number in range(12)]
    scenario.land("customer", *map(customer, others), name="more.json")
    assert scenario.run().success
    scenario.land_text("customer", "\n".join(others), name="list.txt")
    scenario.land_text("customer", "junk\n" * 99, name="junk.json")
    assert not scenario.run().success
    assert errors(audited, scenario) == {SAID: 12, REFUSED: 1}


@pytest.mark.parametrize("tables", range(5))
def test_a_run_killed_between_the_tables_of_a_refused_feed_is_found_and_done_again(
    scenario, audited, monkeypatch, tables
):
    scenario.land_text("customer", f"{WITHDRAWAL}\n", name="later.json")
    scenario.land_text("customer", "junk\n" * 99, name="junk.json")
    struck: list[str] = []
    delete = withdrawn._delete_leavers

    def killed(run: Any, name: str, *rest: Any) -> int:
        if len(struck) == tables:
            raise OSError("killed")
        struck.append(name)
        return delete(run, name, *rest)

    with monkeypatch.context() as fault:
        fault.setattr(withdrawn, "_delete_leavers", killed)
        assert not scenario.run().success
    left = errors(audited, scenario)
    assert left.pop(REFUSED) == 1
    assert list(left.values()) == [1]
    assert not scenario.run().success
    assert errors(audited, scenario) == {REFUSED: 1}
    for table, who in WHO.items():
        assert scenario.query(f"SELECT DISTINCT {who} FROM {table}") == [(CID,)]
    assert scenario.query("SELECT DISTINCT serialNumber FROM step_trainer_trusted") == [(f"serial-of-{CID}",)]
    assert scenario.query("SELECT count(DISTINCT participantId) FROM machine_learning_curated") == [(1,)]
