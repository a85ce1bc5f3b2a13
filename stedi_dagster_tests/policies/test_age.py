"""max_age: completed years on the day of registration, counted in UTC."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.policies.people import AGE_UNKNOWN, NO_CONSENT, SUPERSEDED, TOO_OLD
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.policies.frames import customers, kept, reasons, trusting
from stedi_dagster_tests.scenario import T0, customer


def at(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)


LIMIT = 120
# Birthday, registration, and why the person is withheld under max_age 120 (None: they are not).
BORDERS: dict[str, tuple[str | None, str | None, str | None]] = {
    "120 on the day": ("1902-06-18", "2022-06-18T00:00:00", None),
    "121 tomorrow": ("1901-06-19", "2022-06-18T23:59:59.999", None),
    "121 on the day": ("1901-06-18", "2022-06-18T00:00:00", TOO_OLD),
    "121 yesterday": ("1901-06-17", "2022-06-18T12:00:00", TOO_OLD),
    "121 later in the year": ("1901-12-01", "2022-06-30T12:00:00", None),
    "121 earlier in the year": ("1901-02-28", "2022-06-01T12:00:00", TOO_OLD),
    "121 on the leap day, before it": ("1900-02-28", "2021-02-27T12:00:00", None),
    "born on a leap day": ("1904-02-29", "2025-02-28T12:00:00", None),
    "born on a leap day, 1 March": ("1904-02-29", "2025-03-01T00:00:00", TOO_OLD),
    "of the year 967": ("0967-01-01", "2022-06-18T12:00:00", TOO_OLD),
    "of the year 1": ("0001-01-01", "2022-06-18T12:00:00", TOO_OLD),
    "born in the days the Gregorian calendar skipped": ("1582-10-10", "2022-06-18T12:00:00", TOO_OLD),
    "born after registration": ("2023-01-01", "2022-06-18T12:00:00", None),
    "no birthday": (None, "2022-06-18T12:00:00", AGE_UNKNOWN),
    "an empty birthday": ("", "2022-06-18T12:00:00", AGE_UNKNOWN),
    "no date": ("unknown", "2022-06-18T12:00:00", AGE_UNKNOWN),
    "a day that is not": ("1990-02-30", "2022-06-18T12:00:00", AGE_UNKNOWN),
    "another way to write dates": ("13/45/1990", "2022-06-18T12:00:00", AGE_UNKNOWN),
    "no registration": ("1990-01-01", None, AGE_UNKNOWN),
}


def test_who_is_older_than_the_limit_on_registration_is_withheld(engine: SparkSession) -> None:
    landed = [
        customer(f"{name}@x", birthDay=born, registrationDate=None if registered is None else at(registered))
        for name, (born, registered, _) in BORDERS.items()
    ]
    selection = trusting(customers(engine, *landed), Policy(max_age=LIMIT))
    stay = [name for name, (_, _, why) in BORDERS.items() if why is None]
    assert kept(selection, "email") == sorted(f"{name}@x" for name in stay)
    whys = [why for _, _, why in BORDERS.values()]
    assert reasons(selection) == {why: whys.count(why) for why in whys}


@pytest.mark.parametrize("birthday", ["0967-01-01", "unknown", None])
def test_without_max_age_nobody_is_asked_for_their_age(sail: SparkSession, birthday: str | None) -> None:
    assert len(kept(trusting(customers(sail, customer(birthDay=birthday)), Policy()))) == 1


def test_max_age_zero_keeps_those_in_their_first_year(sail: SparkSession) -> None:
    landed = customers(
        sail,
        customer("baby@x", birthDay="2021-06-19", registrationDate=at("2022-06-18T12:00:00")),
        customer("one@x", birthDay="2021-06-18", registrationDate=at("2022-06-18T12:00:00")),
    )
    assert kept(trusting(landed, Policy(max_age=0)), "email") == ["baby@x"]


def test_age_never_makes_an_older_record_count(sail: SparkSession) -> None:
    young = customer(birthDay="1990-01-01")
    old = customer(birthDay="1800-01-01", lastUpdateDate=T0 + 1)
    selection = trusting(customers(sail, young, old), Policy(max_age=LIMIT))
    assert reasons(selection) == {SUPERSEDED: 1, TOO_OLD: 1}


def test_who_does_not_agree_is_withheld_for_that_and_not_for_their_age(sail: SparkSession) -> None:
    selection = trusting(customers(sail, customer(agreed=None, birthDay="0967-01-01")), Policy(max_age=LIMIT))
    assert reasons(selection) == {NO_CONSENT: 1}
