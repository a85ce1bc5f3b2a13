"""How many addresses stand in a file, counted apart from landing: as many as its documents hold, however packed."""

import bz2
import gzip
import io
import json
import zipfile

import pytest
import zstandard

from stedi_dagster.audits.standing.raw.files import addresses_in, delivered
from stedi_dagster.landing.documents import read_documents
from stedi_dagster_tests.scenario import Scenario, customer

TEXT = "".join(json.dumps(customer(f"p{number}@example.com")) + "\n" for number in range(5)) + "or to us@example.com\n"


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def in_documents(content: bytes) -> int:
    return sum(document.text.count("@") for document in read_documents(io.BytesIO(content)))


# By names, because a gzip file holds the time at which it was made.
WHOLE = {
    "plain": TEXT.encode(),
    "marked": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16 without a mark": TEXT.encode("utf-16-be"),
    "utf-32 without a mark": TEXT.encode("utf-32-le"),
    "gzip of two": gzip.compress(TEXT.encode()[:100]) + gzip.compress(TEXT.encode()[100:]),
    "bzip2 of two": bz2.compress(TEXT.encode()[:100]) + bz2.compress(TEXT.encode()[100:]),
    "zstd of two": zstandard.compress(TEXT.encode()[:100]) + zstandard.compress(TEXT.encode()[100:]),
    "gzip of utf-16": gzip.compress(TEXT.encode("utf-16")),
    "zip of two and a marker": zipped(
        ("one.json", TEXT.encode()[:100]), ("two.json", TEXT.encode()[100:]), ("_old.json", TEXT.encode())
    ),
    "zip of gzip": zipped(("one.json.gz", gzip.compress(TEXT.encode()))),
}
BROKEN = {
    "nothing": b"",
    "no archive": b"PK\x03\x04 is no archive",
    "gzip": gzip.compress(TEXT.encode())[:-20],
    "zstd": zstandard.compress(TEXT.encode())[:-20],
    "bzip2": bz2.compress(TEXT.encode())[:-20],
    "letters that hold the byte of an @": "\u0140a\x00\u0140".encode("utf-16-le"),
    "utf-16 a byte off": TEXT.encode("utf-16-le")[1:],
}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_landing_reads_whole_is_counted_alike(kind):
    assert addresses_in(io.BytesIO(WHOLE[kind])) == in_documents(WHOLE[kind]) == TEXT.count("@")


@pytest.mark.parametrize("kind", BROKEN)
def test_of_what_cannot_be_read_no_more_is_counted_than_landing_has(kind):
    assert addresses_in(io.BytesIO(BROKEN[kind])) <= in_documents(BROKEN[kind])


def test_every_file_but_markers_is_delivered_and_a_second_name_of_one_is_none_more(tmp_path):
    scenario = Scenario(tmp_path)
    first = scenario.land("customer", customer(), name="deep/er/part.json")
    scenario.land("customer", customer(), name="_old.json")
    scenario.land("customer", customer(), name=".hidden/part.json")
    (first.parent / "second.json").hardlink_to(first)
    (first.parent / "third.json").symlink_to(first)
    assert delivered(str(scenario.landing), "customer/landing") == {str(first)}
