"""One run over withdrawals in every form that a file may have: whoever withdraws in it is out."""

import json

import pytest

from stedi_dagster_tests.landing.formats_of import FORMS
from stedi_dagster_tests.scenario import T0, Scenario, checks, customer, reading, step

STAYS = "stays@example.com"


def person(form: str) -> str:
    return f"{form.replace(' ', '.').replace(',', '').lower()}@example.com"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    scenario = Scenario(tmp_path_factory.mktemp("forms"))
    people = [STAYS, *map(person, FORMS)]
    scenario.land("customer", *map(customer, people))
    scenario.land("accelerometer", *map(reading, people))
    scenario.land("step_trainer", *[step(f"serial-of-{who}") for who in people])
    for form, make in FORMS.items():
        withdrawal = customer(person(form), agreed=None, lastUpdateDate=T0 + 1)
        content = (json.dumps(withdrawal) + "\n").encode() * 2
        scenario.land_text("customer", make(content), name=f"{form}.json")
    result = scenario.run()
    return scenario, result


@pytest.mark.parametrize("table", ["customer_trusted", "customers_curated"])
def test_who_withdraws_in_a_file_of_any_form_is_out(ran, table):
    scenario, result = ran
    assert result.success
    assert scenario.query(f"SELECT email FROM {table}") == [(STAYS,)]
    assert scenario.query("SELECT count(*) FROM quarantine") == [(0,)]
    assert scenario.query("SELECT count(*) FROM customer_landing") == [(1 + 3 * len(FORMS),)]


def test_a_customer_file_in_which_nothing_can_be_read_blocks_the_feed_and_leaves_what_is_published(ran):
    scenario, _ = ran
    scenario.land_text("customer", b"PAR1" + bytes(range(256)), name="export of ann@example.com")
    result = scenario.run(tables=["customer_landing"])
    evaluation = checks(result)["customer_landing", "quarantine"]
    assert not result.success
    assert not evaluation.passed
    said = "not everything, can be read of customer/landing/export of (address) (Parquet file, which is not read)"
    assert said in str(evaluation.description)
    assert scenario.query("SELECT email FROM customer_trusted") == [(STAYS,)]
