import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.contracts.base import AHEAD_OF_RUN_MS, EARLIEST_MS
from stedi_dagster.landing.documents import Ambiguous
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.records import RecordReader, is_iso_date
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, NOW, STEP_TRAINER, examples
from stedi_dagster_tests.scenario import T0, customer, reading, step

FEEDS: dict[Feed, Callable[..., dict[str, Any]]] = {CUSTOMER: customer, ACCELEROMETER: reading, STEP_TRAINER: step}
LATEST_MS = NOW + AHEAD_OF_RUN_MS


def read(feed: Feed, record: Mapping[str, Any]) -> Any:
    """The row by column, or the reason."""
    row, reason = RecordReader(feed.contract, now_ms=NOW).read(record)
    assert (row is None) != (reason is None)
    return reason if row is None else dict(zip(feed.contract.names(), row, strict=True))


def without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_well_formed_record_is_a_row_in_the_order_of_the_contract(feed):
    record = FEEDS[feed]()
    row = read(feed, record)
    assert {name: value for name, value in row.items() if value is not None and name != "birthDayValid"} == record
    assert list(row) == feed.contract.names()


def test_the_order_of_keys_and_unknown_keys_make_no_difference():
    record = reading(note={"x": [1]}, firmware=None)
    assert read(ACCELEROMETER, dict(reversed(record.items()))) == read(ACCELEROMETER, reading())


@pytest.mark.parametrize(
    ("feed", "key"),
    [(feed, spec.name) for feed in FEEDS for spec in feed.contract.columns() if not spec.nullable],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_required_field_that_is_missing_or_null_is_named(feed, key):
    record = FEEDS[feed]()
    assert read(feed, without(record, key)) == f"{key} is missing"
    assert read(feed, {**record, key: None}) == f"{key} is missing"


@pytest.mark.parametrize(("feed", "key"), [(CUSTOMER, "email"), (CUSTOMER, "serialNumber"), (ACCELEROMETER, "user")])
@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\u00a0\u2003"])
def test_a_required_text_that_is_blank_is_named(feed, key, blank):
    assert read(feed, {**FEEDS[feed](), key: blank}) == f"{key} is blank"


def test_optional_fields_may_be_missing_null_or_blank():
    bare = {"email": "ann@example.com", "serialNumber": "7"}
    assert read(CUSTOMER, bare) == dict.fromkeys(CUSTOMER.contract.names()) | bare
    nothing = dict.fromkeys(CUSTOMER.contract.names())
    assert read(CUSTOMER, nothing | bare) == read(CUSTOMER, bare)
    assert read(CUSTOMER, {**bare, "phone": "", "customerName": "  "})["customerName"] == "  "


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, str.swapcase])
@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_keys_are_read_in_any_case(feed, spell):
    record = FEEDS[feed]()
    assert read(feed, {spell(key): value for key, value in record.items()}) == read(feed, record)


def test_of_two_spellings_of_a_key_the_contracts_own_counts():
    assert read(ACCELEROMETER, reading(TIMESTAMP=1, timeStamp=2)) == read(ACCELEROMETER, reading())


def test_two_foreign_spellings_of_a_key_must_agree():
    record = without(reading(at=T0), "timestamp")
    assert read(ACCELEROMETER, {**record, "timeStamp": T0, "TIMESTAMP": T0}) == read(ACCELEROMETER, reading(at=T0))
    refused = read(ACCELEROMETER, {**record, "timeStamp": T0, "TIMESTAMP": T0 + 1})
    assert refused == "timestamp is there twice with different values"


def test_a_field_that_stands_twice_with_different_values_is_named_and_an_unknown_one_is_not():
    assert read(ACCELEROMETER, reading(x=Ambiguous)) == "x is there twice with different values"
    assert read(ACCELEROMETER, reading(X=Ambiguous, note=Ambiguous)) == read(ACCELEROMETER, reading())
    refused = read(CUSTOMER, customer(shareWithResearchAsOfDate=Ambiguous))
    assert refused == "shareWithResearchAsOfDate is there twice with different values"


@pytest.mark.parametrize("time", [T0, str(T0), f" +{T0} ", float(T0), f"{T0}\n"])
def test_a_time_may_be_a_string_or_a_whole_float(time):
    assert read(ACCELEROMETER, reading(at=time)) == read(ACCELEROMETER, reading(at=T0))


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
    assert read(ACCELEROMETER, reading(at=time)) == "timestamp has the wrong type"


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
    found = read(feed, {**FEEDS[feed](), key: time})
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
    found = read(ACCELEROMETER, reading(x=item))
    assert found == f"x {expected}" if isinstance(expected, str) else found["x"] == expected


@pytest.mark.parametrize("zero", [-0.0, "-0", "-0.0", "-1e-999", 0])
def test_there_is_one_zero(zero):
    assert math.copysign(1, read(ACCELEROMETER, reading(x=zero))["x"]) == 1


@pytest.mark.parametrize("text", [1.5, True, [], {}, ["ann@example.com"]])
def test_a_text_is_a_string_or_a_whole_number(text):
    assert read(CUSTOMER, customer(customerName=text)) == "customerName has the wrong type"
    assert read(CUSTOMER, customer(phone=5550100))["phone"] == "5550100"


@pytest.mark.parametrize("text", ["\udcff", "ann\ud800@example.com"])
def test_a_text_that_is_no_utf8_is_refused(text):
    assert read(CUSTOMER, customer(email=text)) == "email is not UTF-8"
    assert read(CUSTOMER, customer(customerName=text)) == "customerName is not UTF-8"


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
    row = read(CUSTOMER, customer(birthDay=birthday))
    assert (row["birthDay"], row["birthDayValid"]) == (birthday, valid)


def test_no_birthday_is_neither_valid_nor_invalid():
    assert is_iso_date(None) is None
    assert read(CUSTOMER, customer(birthDay=None))["birthDayValid"] is None


def test_a_flag_in_the_raw_record_is_not_believed():
    assert read(CUSTOMER, customer(birthDay="unknown", birthDayValid=True))["birthDayValid"] is False


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=()), max_size=8)
    ).flatmap(lambda value: st.sampled_from([value, T0, str(T0), "ann@example.com", 0.5, Ambiguous])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
RULES = (
    "is missing|is blank|has the wrong type|is out of range|is not finite|is not UTF-8|is before 2000|is in the future|"
    "is there twice with different values"
)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
@given(data=st.data())
@examples
def test_any_object_is_a_row_the_contract_allows_or_a_reason_without_a_value(feed, data):
    columns = {spec.name: spec for spec in feed.contract.columns()}
    changes = data.draw(st.dictionaries(st.sampled_from([*columns, *map(str.upper, columns)]), JSON_VALUES, max_size=4))
    found = read(feed, {**FEEDS[feed](), **changes})
    if isinstance(found, str):
        assert re.fullmatch(rf"({'|'.join(columns)}) ({RULES})", found)
        return
    for name, value in found.items():
        assert value is not None or columns[name].nullable
        if isinstance(value, float):
            assert math.isfinite(value)
        elif isinstance(value, str):
            value.encode()
        elif isinstance(value, int) and columns[name].unit == "ms since 1970-01-01 UTC":
            assert EARLIEST_MS <= value <= LATEST_MS
