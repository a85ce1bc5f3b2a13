"""Which values a field may have: the borders of times, numbers, texts and birthdays."""

import math

import pytest

from stedi_dagster.contracts.base import AHEAD_OF_RUN_MS, EARLIEST_MS
from stedi_dagster.landing.records import is_iso_date
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, LATEST_MS, MAKE, STEP_TRAINER, read_record
from stedi_dagster_tests.scenario import T0, customer, reading


@pytest.mark.parametrize("time", [T0, str(T0), f" +{T0} ", float(T0), f"{T0}\n"])
def test_a_time_may_be_a_string_or_a_whole_float(time):
    assert read_record(ACCELEROMETER, reading(at=time)) == read_record(ACCELEROMETER, reading(at=T0))


@pytest.mark.parametrize(
    "time",
    [
        True,
        [],
        {},
        "",
        "soon",
        "1e12",
        f"{T0}.0",
        f"{T0}.5",
        T0 + 0.5,
        "1_655_564_400_000",
        "\uff11655564400000",
        math.nan,
        math.inf,
    ],
)
def test_a_time_that_is_no_whole_number_has_the_wrong_type(time):
    assert read_record(ACCELEROMETER, reading(at=time)) == "timestamp has the wrong type"


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (EARLIEST_MS, None),
        (EARLIEST_MS - 1, "is before 2000"),
        (T0 // 1000, "is before 2000"),
        (0, "is before 2000"),
        (-T0, "is before 2000"),
        (-(2**63), "is before 2000"),
        (LATEST_MS, None),
        (LATEST_MS + 1, "is in the future"),
        (2**63 - 1, "is in the future"),
        (2**63, "is out of range"),
        (-(2**63) - 1, "is out of range"),
        (1e300, "is out of range"),
    ],
)
@pytest.mark.parametrize(
    ("feed", "key"),
    [(CUSTOMER, "shareWithFriendsAsOfDate"), (ACCELEROMETER, "timestamp"), (STEP_TRAINER, "sensorReadingTime")],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_time_is_from_2000_to_a_day_after_the_run_to_the_millisecond(feed, key, time, reason):
    found = read_record(feed, {**MAKE[feed](), key: time})
    assert found == f"{key} {reason}" if reason else found[key] == time


def test_2000_begins_where_the_contract_says():
    assert EARLIEST_MS == 946_684_800_000
    assert AHEAD_OF_RUN_MS == 86_400_000


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (1, 1.0),
        ("1", 1.0),
        (" -1.5e-3 ", -0.0015),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1E2", 100.0),
        (5e-324, 5e-324),
        (1.7976931348623157e308, 1.7976931348623157e308),
        ("nan", "is not finite"),
        ("NaN", "is not finite"),
        ("-Infinity", "is not finite"),
        ("inf", "is not finite"),
        (math.nan, "is not finite"),
        (-math.inf, "is not finite"),
        ("1e999", "is not finite"),
        ("9" * 400, "is not finite"),
        (10**400, "is out of range"),
        (True, "has the wrong type"),
        (None, "is missing"),
        ([], "has the wrong type"),
        ({}, "has the wrong type"),
        ("", "has the wrong type"),
        ("left", "has the wrong type"),
        ("1,5", "has the wrong type"),
        ("0x10", "has the wrong type"),
        ("1_0", "has the wrong type"),
        ("infe5", "has the wrong type"),
        ("nane1", "has the wrong type"),
        ("٣", "has the wrong type"),
    ],
)
def test_a_measurement_is_any_finite_number(item, expected):
    found = read_record(ACCELEROMETER, reading(x=item))
    assert found == f"x {expected}" if isinstance(expected, str) else found["x"] == expected


@pytest.mark.parametrize("zero", [-0.0, "-0", "-0.0", "-1e-999", 0])
def test_there_is_one_zero(zero):
    assert math.copysign(1, read_record(ACCELEROMETER, reading(x=zero))["x"]) == 1


@pytest.mark.parametrize("text", [1.5, True, [], {}, ["ann@example.com"]])
def test_a_text_is_a_string_or_a_whole_number(text):
    assert read_record(CUSTOMER, customer(customerName=text)) == "customerName has the wrong type"
    assert read_record(CUSTOMER, customer(phone=5550100))["phone"] == "5550100"


@pytest.mark.parametrize("text", ["\udcff", "ann\ud800@example.com"])
def test_a_text_that_is_no_utf8_is_refused(text):
    assert read_record(CUSTOMER, customer(email=text)) == "email is not UTF-8"
    assert read_record(CUSTOMER, customer(customerName=text)) == "customerName is not UTF-8"


@pytest.mark.parametrize(
    ("birthday", "valid"),
    [
        ("1990-12-31", True),
        ("2000-02-29", True),
        ("0001-01-01", True),
        ("9999-12-31", True),
        ("1900-02-29", False),
        ("1990-02-30", False),
        ("0000-01-01", False),
        ("13/45/1990", False),
        ("19901231", False),
        ("1990-W01-1", False),
        ("1990-1-1", False),
        ("1990-01-01T00:00", False),
        (" 1990-01-01", False),
        ("1990-01-01\n", False),
        ("\uff11990-01-01", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_a_birthday_is_kept_as_it_came_and_flagged(birthday, valid):
    row = read_record(CUSTOMER, customer(birthDay=birthday))
    assert (row["birthDay"], row["birthDayValid"]) == (birthday, valid)


def test_no_birthday_is_neither_valid_nor_invalid():
    assert is_iso_date(None) is None
    assert read_record(CUSTOMER, customer(birthDay=None))["birthDayValid"] is None


def test_a_flag_in_the_raw_record_is_not_believed():
    assert read_record(CUSTOMER, customer(birthDay="unknown", birthDayValid=True))["birthDayValid"] is False
