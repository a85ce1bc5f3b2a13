"""Which keys a record needs and may have; and that any object is a row or a reason."""

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.contracts.base import EARLIEST_MS
from stedi_dagster.landing.documents import Ambiguous
from stedi_dagster_tests.landing.zone import (
    ACCELEROMETER,
    CUSTOMER,
    LATEST_MS,
    MAKE,
    examples,
    read_record,
)
from stedi_dagster_tests.scenario import T0, customer, reading


def without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


@pytest.mark.parametrize("feed", MAKE, ids=lambda feed: feed.name)
def test_a_well_formed_record_is_a_row_in_the_order_of_the_contract(feed):
    record = MAKE[feed]()
    row = read_record(feed, record)
    assert {name: value for name, value in row.items() if value is not None and name != "birthDayValid"} == record
    assert list(row) == feed.contract.names()


def test_the_order_of_keys_and_unknown_keys_make_no_difference():
    record = reading(note={"x": [1]}, firmware=None)
    assert read_record(ACCELEROMETER, dict(reversed(record.items()))) == read_record(ACCELEROMETER, reading())


@pytest.mark.parametrize(
    ("feed", "key"),
    [(feed, spec.name) for feed in MAKE for spec in feed.contract.columns() if not spec.nullable],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_required_field_that_is_missing_or_null_is_named(feed, key):
    record = MAKE[feed]()
    assert read_record(feed, without(record, key)) == f"{key} is missing"
    assert read_record(feed, {**record, key: None}) == f"{key} is missing"


@pytest.mark.parametrize(("feed", "key"), [(CUSTOMER, "email"), (CUSTOMER, "serialNumber"), (ACCELEROMETER, "user")])
@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\u00a0\u2003"])
def test_a_required_text_that_is_blank_is_named(feed, key, blank):
    assert read_record(feed, {**MAKE[feed](), key: blank}) == f"{key} is blank"


def test_optional_fields_may_be_missing_null_or_blank():
    bare = {"email": "ann@example.com", "serialNumber": "7"}
    assert read_record(CUSTOMER, bare) == dict.fromkeys(CUSTOMER.contract.names()) | bare
    nothing = dict.fromkeys(CUSTOMER.contract.names())
    assert read_record(CUSTOMER, nothing | bare) == read_record(CUSTOMER, bare)
    assert read_record(CUSTOMER, {**bare, "phone": "", "customerName": "  "})["customerName"] == "  "


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, str.swapcase])
@pytest.mark.parametrize("feed", MAKE, ids=lambda feed: feed.name)
def test_keys_are_read_in_any_case(feed, spell):
    record = MAKE[feed]()
    assert read_record(feed, {spell(key): value for key, value in record.items()}) == read_record(feed, record)


@pytest.mark.parametrize("twin", ["TIMESTAMP", "timeStamp", "time_stamp", "Time-Stamp", "time stamp", "time\uff53tamp"])
@pytest.mark.parametrize("first", [True, False], ids=["twin first", "twin last"])
def test_a_key_in_two_spellings_must_say_the_same(twin, first):
    record = reading(at=T0)
    for value, row in (
        (T0, read_record(ACCELEROMETER, record)),
        (T0 + 1, None),
        (None, None),
        (True, None),
        ("", None),
    ):
        both = {twin: value, **record} if first else {**record, twin: value}
        assert read_record(ACCELEROMETER, both) == (row or "timestamp is there twice with different values")


@pytest.mark.parametrize("twin", ["sharewithresearchasofdate", "share_with_research_as_of_date"])
@pytest.mark.parametrize("said", [None, "", "no", False, 0])
def test_a_consent_that_is_also_denied_is_none(twin, said):
    refused = "shareWithResearchAsOfDate is there twice with different values"
    assert read_record(CUSTOMER, {**customer(), twin: said}) == refused
    assert read_record(CUSTOMER, {twin: said, **customer()}) == refused


def test_a_key_in_a_foreign_spelling_is_not_read():
    record = {**customer(agreed=None), "share_with_research_as_of_date": T0}
    assert read_record(CUSTOMER, record) == read_record(CUSTOMER, customer(agreed=None))


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_blank_optional_date_is_none(blank):
    dates = [spec.name for spec in CUSTOMER.contract.columns() if spec.nullable and spec.name.endswith("Date")]
    assert len(dates) == 5
    bare = {"email": "ann@example.com", "serialNumber": "7"}
    assert read_record(CUSTOMER, {**bare, **dict.fromkeys(dates, blank)}) == read_record(CUSTOMER, bare)
    assert read_record(CUSTOMER, {**bare, "registrationDate": "n/a"}) == "registrationDate has the wrong type"


def test_two_foreign_spellings_of_a_key_must_agree():
    record = without(reading(at=T0), "timestamp")
    assert read_record(ACCELEROMETER, {**record, "timeStamp": T0, "TIMESTAMP": T0}) == read_record(
        ACCELEROMETER, reading(at=T0)
    )
    refused = read_record(ACCELEROMETER, {**record, "timeStamp": T0, "TIMESTAMP": T0 + 1})
    assert refused == "timestamp is there twice with different values"


def test_a_field_that_stands_twice_with_different_values_is_named_and_an_unknown_one_is_not():
    assert read_record(ACCELEROMETER, reading(x=Ambiguous)) == "x is there twice with different values"
    assert read_record(ACCELEROMETER, reading(note=Ambiguous)) == read_record(ACCELEROMETER, reading())
    refused = read_record(CUSTOMER, customer(shareWithResearchAsOfDate=Ambiguous))
    assert refused == "shareWithResearchAsOfDate is there twice with different values"


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


@pytest.mark.parametrize("feed", MAKE, ids=lambda feed: feed.name)
@given(data=st.data())
@examples
def test_any_object_is_a_row_the_contract_allows_or_a_reason_without_a_value(feed, data):
    columns = {spec.name: spec for spec in feed.contract.columns()}
    changes = data.draw(st.dictionaries(st.sampled_from([*columns, *map(str.upper, columns)]), JSON_VALUES, max_size=4))
    found = read_record(feed, {**MAKE[feed](), **changes})
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
