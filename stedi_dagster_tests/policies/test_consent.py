"""Whose record counts: the latest one decides, and what is in doubt is decided for the more private."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stedi_dagster.contracts import CustomerTrusted
from stedi_dagster.policies.people import NO_CONSENT, SUPERSEDED
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.policies.frames import customers, kept, reasons, trusting
from stedi_dagster_tests.scenario import T0, customer

DAY = 86_400_000
UNDATED: dict[str, Any] = {"lastUpdateDate": None, "registrationDate": None}


def record(day: int | None, *, agreed: int | None, **more: Any) -> dict[str, Any]:
    """A record written on a day (None: undated) in which the person agrees since a day (None: does not)."""
    dates = UNDATED if day is None else {"lastUpdateDate": T0 + day * DAY}
    return customer("x", agreed=None if agreed is None else T0 + agreed * DAY, **{**dates, **more})


# What the history is about: the records of one person, and since which day they agree.
HISTORIES: dict[str, tuple[list[dict[str, Any]], int | None]] = {
    "agreed once": ([record(0, agreed=0)], 0),
    "never agreed": ([record(0, agreed=None)], None),
    "agreed later": ([record(0, agreed=None), record(2, agreed=2)], 2),
    "withdrew later": ([record(0, agreed=0), record(2, agreed=None)], None),
    "agreed again": ([record(0, agreed=0), record(2, agreed=None), record(5, agreed=5)], 5),
    "withdrew again": (
        [record(0, agreed=0), record(1, agreed=None), record(2, agreed=2), record(3, agreed=None)],
        None,
    ),
    "both at one time": ([record(1, agreed=1), record(1, agreed=None)], None),
    "both at one time, once more later": ([record(1, agreed=1), record(1, agreed=None), record(2, agreed=0)], 0),
    "two agreements at one time": ([record(1, agreed=0), record(1, agreed=1)], 1),
    "an undated refusal after an agreement": ([record(3, agreed=3), record(None, agreed=None)], None),
    "an undated refusal, agreed later": ([record(None, agreed=None), record(3, agreed=3), record(4, agreed=4)], None),
    "an undated agreement after a refusal": ([record(3, agreed=None), record(None, agreed=9)], None),
    "an undated agreement before an agreement": ([record(3, agreed=3), record(None, agreed=9)], 3),
    "only an undated agreement": ([record(None, agreed=1)], 1),
    "undated, both": ([record(None, agreed=1), record(None, agreed=None)], None),
    "never updated: registration is the date": (
        [record(None, agreed=None, registrationDate=T0 + DAY), record(0, agreed=0)],
        None,
    ),
    "the same record twice": ([record(0, agreed=0), record(0, agreed=0)], 0),
}


def agreeing(session: SparkSession, histories: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """Who is trusted, and since which day, where each name in `histories` is another person."""
    landed = [{**one, "email": f"{name}@x"} for name, history in histories.items() for one in history]
    selection = trusting(customers(session, *landed), Policy())
    rows = kept(selection, "email", "shareWithResearchAsOfDate")
    assert len(rows) == len({email for email, _ in rows}), "somebody has two rows"
    assert sum(reasons(selection).values()) == len(landed)
    assert reasons(selection).get(None, 0) == len(rows)
    return {email.removesuffix("@x"): (since - T0) // DAY for email, since in rows}


@pytest.mark.parametrize("history", HISTORIES)
def test_a_person_agrees_if_the_record_that_counts_does(sail: SparkSession, history: str) -> None:
    records, since = HISTORIES[history]
    orders = {f"{number}": list(order) for number, order in enumerate(itertools.permutations(records))}
    assert agreeing(sail, orders) == ({} if since is None else dict.fromkeys(orders, since))


def test_apache_spark_sees_every_history_as_sail_does(engine: SparkSession) -> None:
    histories = {f"{place}": records for place, (records, _) in enumerate(HISTORIES.values())}
    expected = {f"{place}": since for place, (_, since) in enumerate(HISTORIES.values()) if since is not None}
    assert agreeing(engine, histories) == expected


def test_a_withdrawal_under_another_spelling_counts(engine: SparkSession) -> None:
    landed = customers(
        engine,
        customer("ann@example.com"),
        customer("  ANN@Example.com", agreed=None, lastUpdateDate=T0 + 1),
        customer("josé@example.com"),
        customer("JOSÉ@EXAMPLE.COM\xa0", agreed=None, lastUpdateDate=T0 + 1),
        customer("Bob@example.com "),
    )
    selection = trusting(landed, Policy())
    assert kept(selection, "email") == ["bob@example.com"]
    assert reasons(selection) == {None: 1, SUPERSEDED: 2, NO_CONSENT: 2}


def test_the_record_that_counts_is_kept_whole_under_matching_keys(sail: SparkSession) -> None:
    old = customer("ann@example.com", serial="OLD", phone="1")
    new = customer(" Ann@Example.com", serial=" NEW ", phone="2", customerName="Ann Née", lastUpdateDate=T0 + 1)
    [row] = kept(trusting(customers(sail, new, old), Policy()))
    found = dict(zip(CustomerTrusted.names(), row, strict=True))
    same = {key: value for key, value in new.items() if key not in {"email", "serialNumber"}}
    assert found.items() >= same.items()
    assert (found["email"], found["serialNumber"], found["birthDayValid"]) == ("ann@example.com", "new", True)


def test_of_two_agreements_at_one_time_the_one_that_shares_less_counts(engine: SparkSession) -> None:
    open_, closed = customer(shareWithPublicAsOfDate=T0, phone="9"), customer(phone="1")
    for order in ((open_, closed), (closed, open_)):
        assert kept(trusting(customers(engine, *order), Policy()), "phone") == ["1"]


def test_nobody_landed_means_nobody_is_trusted(sail: SparkSession) -> None:
    selection = trusting(customers(sail), Policy())
    assert kept(selection) == []
    assert reasons(selection) == {}


days = st.none() | st.integers(0, 3)
histories = st.lists(
    st.lists(st.builds(lambda day, agreed: record(day, agreed=agreed), days, days), min_size=1, max_size=5),
    min_size=1,
    max_size=25,
)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(histories)
def test_the_order_of_delivery_and_a_delivery_twice_change_nothing(
    sail: SparkSession, histories: list[list[dict[str, Any]]]
) -> None:
    people = {f"{number}": history for number, history in enumerate(histories)}
    found = agreeing(sail, people)
    assert agreeing(sail, {name: history[::-1] for name, history in people.items()}) == found
    assert agreeing(sail, {name: history * 2 for name, history in people.items()}) == found
