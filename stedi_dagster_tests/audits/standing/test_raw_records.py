"""What a text of a customer file says, read twice: by landing, and by the standing audit that must not rely on it."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stedi_dagster.audits.standing.raw.records import UNDATED, record_of, written_at
from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.contracts.base import latest_ms
from stedi_dagster.landing.documents.document import object_of
from stedi_dagster.landing.records import RecordReader
from stedi_dagster_tests.scenario import T0, customer

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=1500, suppress_health_check=list(HealthCheck))
NOW_MS = T0 + 10**9
NAMES = [
    *customer(shareWithPublicAsOfDate=T0, shareWithFriendsAsOfDate=T0),
    "address",
    "EMAIL",
    "e-mail",
    "Serial_Number",
]
VALUES = st.sampled_from(
    [
        None, True, 0, 7, T0, T0 + 1, T0 + 0.0, T0 + 0.5, 10**30, -5, str(T0), f" {T0} ", "+5", "", "  ", "1e12", "a@x",
        "Ann@X.com ", "ann @x", "a@b@c", "n/a", "mailto:a@x", "a@x.", "<a@x>", "\u00e9@b\u00fccher.example", "s-1",
        "\ud800", [], [T0], {}, {"email": "a@x"}, NOW_MS + 10**8, latest_ms(NOW_MS), latest_ms(NOW_MS) + 1,
    ]
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A customer record in which some fields are others, are missing, or are there twice."""
    fields = list(customer(agreed=draw(st.sampled_from([None, T0]))).items())
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        at = draw(st.integers(0, len(fields)))
        fields.insert(at, (draw(st.sampled_from([name, name.upper(), f"{name} "])), draw(VALUES)))
    gone = draw(st.lists(st.sampled_from(NAMES), max_size=2))
    pairs = [(name, value) for name, value in fields if name not in gone]
    return "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs) + "}"


@EXAMPLES
@given(texts())
@example('{"email": "a@x", "serialNumber": "s", "registrationDate": NaN}')
@example('{"email": "a@x", "serialNumber": "s", "email": "a@x"}')
def test_both_readers_take_the_same_texts_for_records_and_find_the_same_consent_in_them(text):
    landed, _ = RecordReader(CustomerLanding, now_ms=NOW_MS).read(json.loads(text, object_pairs_hook=object_of))
    record = record_of(text, latest_ms(NOW_MS))
    assert (record is None) == (landed is None)
    if record is None or landed is None:
        return
    row = dict(zip(CustomerLanding.names(), landed, strict=True))
    assert record.word.refuses == (row["shareWithResearchAsOfDate"] is None)
    undated = UNDATED if record.word.refuses else 0
    assert record.word.moment == (row["lastUpdateDate"] or row["registrationDate"] or undated)


@pytest.mark.parametrize("text", ["", "null", "[]", "7", '"ann@example.com"', "{", '{"email": "a@x"}', "[" * 10**5])
def test_what_is_no_record_says_nothing(text):
    assert record_of(text, T0) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ({"lastUpdateDate": T0}, T0),
        ({"LASTUPDATEDATE": T0, "registrationDate": T0 - 5}, T0),
        ({"registrationDate": T0}, T0),
        ({"lastUpdateDate": T0, "lastupdatedate": T0 + 1}, None),
        ({"lastUpdateDate": 5}, None),
        ({"lastUpdateDate": T0 + 2}, None),
        ({"lastUpdateDate": True}, None),
        ({"lastUpdateDate": "then", "registrationDate": T0}, None),
        ([T0], None),
        (None, None),
        ({"lastUpdateDate": T0, "deleted": [{"email": "a@x"}]}, None),
        ({"lastUpdateDate": T0, "message": {"email": {"is": "a@x"}}}, None),
        ({"lastUpdateDate": T0, "phone": ["?"]}, T0),
        ({"lastUpdateDate": T0, "erased": "a@x"}, T0),
    ],
)
def test_only_a_plausible_date_of_its_own_dates_a_text(value, moment):
    assert written_at(json.dumps(value), T0 + 1) == moment
