"""A customer record that cannot be read may be a withdrawal, and counts as one until a later record agrees."""

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.policies.people import IN_DOUBT, NO_CONSENT, ambiguous_serials, trusted_customers, with_doubtful
from stedi_dagster.policies.readings import AMBIGUOUS_SERIAL, trusted_steps
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.policies.frames import customers, kept, reasons, records, steps, unreadable
from stedi_dagster_tests.scenario import T0, customer, step

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.mark.parametrize(
    ("what", "people", "moment", "doubted"),
    [
        ("later", ANN, T0 + 1, True),
        ("of the same moment", ANN, T0, True),
        ("of an unknown moment", ANN, None, True),
        ("earlier", ANN, T0 - 1, False),
        ("of somebody else", BOB, T0 + 1, False),
        ("spelled otherwise", " ANN@Example.com ", T0 + 1, True),
        ("one of several named", f"{BOB}\n{ANN}", None, True),
        ("of nobody", None, None, False),
    ],
)
def test_who_agreed_is_withheld_while_a_record_of_theirs_is_in_doubt(engine, what, people, moment, doubted):
    landed = customers(engine, customer(ANN))
    doubts = unreadable(engine, {"people": people, "moment": moment})
    selection = trusted_customers(landed, doubts, Policy())
    assert kept(selection, "email") == ([] if doubted else [ANN])
    assert reasons(selection) == ({IN_DOUBT: 1} if doubted else {None: 1})


def test_of_several_doubts_the_latest_counts_and_a_person_is_counted_once(sail: SparkSession) -> None:
    landed = customers(sail, customer(ANN), customer(BOB, agreed=None))
    doubts = unreadable(sail, *({"people": f"{ANN}\n{BOB}", "moment": T0 + later} for later in (-9, 5, -3)))
    assert reasons(trusted_customers(landed, doubts, Policy())) == {IN_DOUBT: 1, NO_CONSENT: 1}


def test_an_agreement_after_the_doubt_counts(sail: SparkSession) -> None:
    landed = customers(sail, customer(ANN), customer(ANN, lastUpdateDate=T0 + 10))
    doubts = unreadable(sail, {"people": ANN, "moment": T0 + 5})
    assert kept(trusted_customers(landed, doubts, Policy()), "email") == [ANN]


def test_a_serial_number_named_by_an_unreadable_record_is_carried_by_that_person_too(engine: SparkSession) -> None:
    landed = customers(engine, customer(ANN, serial="S1"))
    doubts = unreadable(engine, {"people": BOB, "devices": " s1 \nS2"})
    assert records(ambiguous_serials(with_doubtful(landed, doubts))) == ["s1"]
    curated = customers(engine, customer(ANN, serial="s1"))
    selection = trusted_steps(steps(engine, step("S1")), curated, landed, doubts, Policy())
    assert reasons(selection) == {AMBIGUOUS_SERIAL: 1}


def test_a_text_of_many_people_and_devices_gives_a_record_for_each_and_not_for_each_pair(engine: SparkSession) -> None:
    people = [f"p{number}@x" for number in range(40)]
    doubts = unreadable(engine, {"people": "\n".join(people), "devices": "\n".join(f"d{n}" for n in range(30))})
    named = with_doubtful(customers(engine), doubts)
    assert named.count() == 40 + 2 * 30
    assert set(records(named.select("email"))) == set(people)
    assert [one for one in records(ambiguous_serials(named)) if one] == sorted(f"d{n}" for n in range(30))


def test_a_device_named_together_with_its_one_owner_stays_theirs(sail: SparkSession) -> None:
    doubts = unreadable(sail, {"people": ANN, "devices": "S1\nS2"})
    assert records(ambiguous_serials(with_doubtful(customers(sail, customer(ANN, serial="s1")), doubts))) == []
