"""How much of a feed cannot be read: by lines and bytes where nobody can tell the records."""

import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.audits.gate.quarantine import audit_quarantine
from stedi_dagster.lakehouse.summary import BatchSummary, LandingSummary
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.weight import FileWeight, Weight
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, documents, read_record
from stedi_dagster_tests.scenario import customer, reading


def weighed(feed: Feed, *contents: bytes) -> tuple[Weight, dict[str, int], int]:
    """A feed of files: its weight, what is quarantined by reason, and the number of records."""
    weight, records = Weight(), 0
    quarantined: dict[str, int] = {}
    for number, content in enumerate(contents):
        file = FileWeight(weight)
        for document in documents(content):
            reason = document.reason or read_record(feed, document.value)
            landed = not isinstance(reason, str)
            file.add(document, landed=landed)
            records += 1
            if not landed:
                quarantined[reason] = quarantined.get(reason, 0) + 1
        file.end(f"{number}.json")
    return weight, quarantined, records


def shares(weight: Weight) -> dict[str, float]:
    """The unreadable share of the lines and of the bytes."""
    batch = BatchSummary(
        files=1,
        odd=True,
        records=0,
        lines=weight.lines,
        bad_lines=weight.bad_lines,
        octets=weight.octets,
        bad_octets=weight.bad_octets,
    )
    return LandingSummary.of({"": batch}, {}).shares


def passes(feed: Feed, *contents: bytes, limit: float = 0.05) -> tuple[bool, str]:
    weight, quarantined, records = weighed(feed, *contents)
    hidden = weight.hidden if feed is CUSTOMER else {}
    outcome = audit_quarantine(
        records=records, quarantined=quarantined, files={}, max_share=limit, shares=shares(weight), hidden=hidden
    )
    return outcome.passed, outcome.summary


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


PEOPLE = lines(*[customer(f"p{number}@example.com") for number in range(100)])
READINGS = lines(*[reading(at=number + 10**12) for number in range(100)])
CSV = b"email,serialNumber,shareWithResearchAsOfDate\n" + b"".join(
    b"p%d@example.com,s%d,\n" % (n, n) for n in range(100)
)


def test_a_csv_file_counts_with_its_lines():
    fine, summary = passes(CUSTOMER, PEOPLE, CSV)
    assert not fine
    assert "101 of 201 records (50.25%) are quarantined" in summary
    quoted = b'"user","timestamp","x","y","z"\n' + b'"a@example.com","1","0","0","0"\n' * 3
    assert passes(ACCELEROMETER, READINGS, quoted)[0]
    assert weighed(ACCELEROMETER, READINGS, quoted)[1] == {"not JSON": 4}


def test_one_long_line_of_rubbish_counts_with_its_bytes():
    weight, quarantined, _ = weighed(ACCELEROMETER, READINGS, b"QUJD" * 10_000)
    assert quarantined == {"not JSON": 1}
    assert shares(weight)["bytes"] > 0.7
    fine, summary = passes(ACCELEROMETER, READINGS, b"QUJD" * 10_000)
    assert not fine
    assert "1 of 101 records (0.99%) are quarantined; the limit is 5.00%. Of its bytes 8" in summary


@pytest.mark.parametrize(
    "large",
    [
        b'{"partitionKey": "7", "data": "%s"}' % (b"QUJD" * 50_000),
        b'{"deleted": [%s]}' % b",\n".join(PEOPLE.splitlines()),
        b'{"deleted": [\n%s,' % b",\n".join(PEOPLE.splitlines()),
        b'{"email": "ann@example.com", "photo": "%s\n' % (b"QUJD" * 50_000),
        b"\x00" * 200_000,
    ],
    ids=["a message", "an envelope", "an envelope that is cut", "a cut record", "zeros"],
)
def test_what_is_or_began_as_one_object_and_what_is_nothing_counts_once(large):
    weight, quarantined, records = weighed(CUSTOMER, PEOPLE + large)
    assert (quarantined.popitem()[1], records) == (1, 101)
    assert shares(weight) == {"lines": 1 / 101, "bytes": 0}


def test_a_list_that_swallowed_lines_counts_with_them():
    rest = b"".join(line + b"\n" for line in READINGS.splitlines())
    weight, _, records = weighed(ACCELEROMETER, READINGS, b'{"parts": [{"x": 1},\n' + rest)
    assert records == 101
    assert shares(weight)["lines"] > 0.5


def test_separators_written_out_do_not_count():
    fine, _ = passes(ACCELEROMETER, rb"\n".join(READINGS.splitlines()), limit=0)
    assert fine
    assert weighed(ACCELEROMETER, rb"\n".join(READINGS.splitlines()))[2] == 199


@pytest.mark.parametrize("content", [b"PAR1" + bytes(500), b"\x1f\x8b" + bytes(500), bytes(range(128, 256))])
def test_a_customer_file_that_hides_what_it_holds_blocks_however_small_and_is_named(content):
    fine, summary = passes(CUSTOMER, PEOPLE * 100, content, limit=1)
    assert not fine
    assert "Nothing, or not everything, can be read of 1.json (" in summary
    assert passes(ACCELEROMETER, READINGS * 100, content)[0]


def archive(*members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for number, member in enumerate(members):
            made.writestr(f"{number}.json", member)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        archive(PEOPLE, b"PAR1" + bytes(500)),
        PEOPLE + gzip.compress(os.urandom(1000)),
        PEOPLE + b"\xff" * 999,
    ],
    ids=["a member of an archive", "packed behind lines", "no text"],
)
def test_a_file_that_hides_a_part_hides_although_the_rest_is_read(content):
    assert list(weighed(CUSTOMER, PEOPLE, content)[0].hidden) == ["1.json"]


def test_a_file_whose_letters_can_be_looked_at_does_not_hide():
    letters = "zur\xfcck, \xe9t\xe9, \xe5ret\n".encode("latin-1") * 9
    whole = Path(__file__).read_bytes()
    cut = gzip.compress(PEOPLE * 9)[:-20]
    assert weighed(CUSTOMER, PEOPLE, whole, PEOPLE + letters, PEOPLE + bytes(999), cut)[0].hidden == {}
