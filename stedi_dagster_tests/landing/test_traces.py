"""Whom an unreadable customer record is about."""

import json

import pytest

from stedi_dagster.landing.traces import Traces, traces
from stedi_dagster_tests.landing.zone import documents
from stedi_dagster_tests.scenario import T0, customer

WHOLE = customer(serial="S1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (json.dumps(WHOLE), ("ann@example.com", "S1", T0)),
        (json.dumps({**WHOLE, "lastUpdateDate": None}), ("ann@example.com", "S1", T0)),
        (json.dumps({**WHOLE, "lastUpdateDate": "yesterday"}), ("ann@example.com", "S1", None)),
        (json.dumps({**WHOLE, "lastUpdateDate": True}), ("ann@example.com", "S1", None)),
        (json.dumps({**WHOLE, "lastUpdateDate": 2**63}), ("ann@example.com", "S1", None)),
        (json.dumps({**WHOLE, "serialNumber": None}), ("ann@example.com", None, T0)),
        (json.dumps(WHOLE)[:-1], ("ann@example.com", "S1", None)),
        ('{"email": "ann@example.com", "shareWi', ("ann@example.com", None, None)),
        ('{"eMail"\n :\n "ann@example.com"', ("ann@example.com", None, None)),
        (r'{"email": "ann\u0040example.com", x', ("ann@example.com", None, None)),
        (r'{"email": "\x", x', (r"\x", None, None)),
        ('{"email": "b@x", "email": "a@x", x', ("a@x\nb@x", None, None)),
        ('{"email": "a@x", "email": "b@x"}', ("a@x\nb@x", None, None)),
        (json.dumps({"data": WHOLE}), ("ann@example.com", "S1", None)),
        ('{"email": "  "}', (None, None, None)),
        ('{"email": "ann', (None, None, None)),
        ('{"email": "ann@exa', ("ann@exa", None, None)),
        ('{"user": "ann@example.com"}', ("ann@example.com", None, None)),
        (json.dumps(json.dumps(WHOLE)), ("ann@example.com", "S1", None)),
        (repr(WHOLE), ("ann@example.com", None, None)),
        ('{"email": ann@example.com, "phone": 1', ("ann@example.com", None, None)),
        ("Ann <ann@example.com>; bob@example.com", ("ann@example.com\nbob@example.com", None, None)),
        (r'{"mail": "zo\u00eb@example.com"', ("zo\u00eb@example.com", None, None)),
        ("ann,ann@example.com,5550100,1970-01-01", ("ann@example.com", None, None)),
        ("no JSON", (None, None, None)),
        (b'{"email": "\xff@x"', ("?@x", None, None)),
        (json.dumps({"email": "a@x\nb@x"}), ("a@x b@x", None, None)),
    ],
)
def test_addresses_serial_numbers_and_the_moment_are_found_however_broken_the_record_is(text, found):
    [document] = documents(text if isinstance(text, bytes) else text.encode())
    assert traces(document) == Traces(*found)
