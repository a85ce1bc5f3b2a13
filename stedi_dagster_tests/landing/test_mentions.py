"""Whom an unreadable customer record is about."""

import json

import pytest

from stedi_dagster.landing.mentions import mentions_of
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
        (r'{"email": "\x", x', (None, None, None)),
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
        (b'{"email": "\xff@x"', ("\xff@x", None, None)),
        (json.dumps({"email": "a@x\nb@x"}), ("a@x\nb@x", None, None)),
        (json.dumps({**WHOLE, "note": "for Bob, bob@example.com."}), ("ann@example.com\nbob@example.com", "S1", T0)),
        ('{"email": "a nn@example. com"', ("ann@example.com", None, None)),
        ('{"email": "JOS\xc9@x", "serialNumber": "\uff33\uff11"', ("jos\xe9@x", "S1\ns1", None)),
    ],
)
def test_addresses_serial_numbers_and_the_moment_are_found_however_broken_the_record_is(text, found):
    [document] = documents(text if isinstance(text, bytes) else text.encode())
    people, devices, moment = found
    read = mentions_of(document, now_ms=T0 + 1)
    # Where it can be read in several ways, every one of them counts.
    assert set((people or "").split("\n")) <= set((read.people or "").split("\n"))
    assert (read.people is None, read.devices, read.moment) == (people is None, devices, moment)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ({"lastUpdateDate": T0}, T0),
        ({"lastUpdateDate": T0 // 1000}, None),
        ({"lastUpdateDate": 0}, None),
        ({"lastUpdateDate": 2022}, None),
        ({"lastUpdateDate": -5}, None),
        ({"lastUpdateDate": 20220619}, None),
        ({"lastUpdateDate": 946_684_799_999}, None),
        ({"lastUpdateDate": 946_684_800_000}, 946_684_800_000),
        ({"lastUpdateDate": T0 + 86_400_001}, None),
        ({"lastUpdateDate": T0 * 1000}, None),
        ({"lastUpdateDate": float(T0)}, None),
        ({"lastUpdateDate": str(T0)}, None),
        ({"lastUpdateDate": ""}, None),
        ({"lastUpdateDate": 0, "registrationDate": T0}, None),
        ({"lastUpdateDate": None, "registrationDate": T0}, T0),
        ({"lastUpdateDate": None, "registrationDate": 0}, None),
        ({"registrationDate": T0, "lastUpdateDate": T0 - 1, "lastupdatedate": T0}, None),
        ({"lastUpdateDate": T0, "LASTUPDATEDATE": T0}, T0),
    ],
)
def test_a_record_was_written_when_it_says_so_plausibly(said, moment):
    [document] = documents(json.dumps({"email": "ann@example.com", "phone": ["?"], **said}).encode())
    assert mentions_of(document, now_ms=T0).moment == moment


@pytest.mark.parametrize("within", [[{"email": "a@x"}], {"email": "a@x", "lastUpdateDate": T0 - 5}, [["a@x"]]])
def test_the_date_of_an_envelope_is_none_of_the_records_in_it(within):
    [document] = documents(json.dumps({"lastUpdateDate": T0, "deleted": within}).encode())
    assert mentions_of(document, now_ms=T0) == ("a@x", None, None)


def test_a_device_that_is_called_like_an_address_is_nobody():
    [document] = documents(json.dumps({"email": "a@x", "phone": ["?"], "serialNumber": "of-a@x"}).encode())
    assert mentions_of(document)[:2] == ("a@x", "of-a@x")


def test_a_date_that_is_there_twice_is_no_date():
    [document] = documents(f'{{"email": "a@x", "lastUpdateDate": {T0}, "lastUpdateDate": {T0 - 1}}}'.encode())
    assert mentions_of(document, now_ms=T0).moment is None
