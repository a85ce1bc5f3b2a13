"""Forms that are read, and read the same after they were written; and formats that are named and not read."""

import bz2
import gzip
import io
import json
import zipfile

import pytest
import zstandard

from stedi_dagster.landing.formats import form_of, opened, packing, unpacked, writing
from stedi_dagster_tests.landing.formats_of import FORMS, zipped
from stedi_dagster_tests.landing.zone import documents, values
from stedi_dagster_tests.scenario import reading

RECORDS = [reading(at=number, note=note) for number, note in enumerate(("", "Zoë 山田 🦶", "}{", "x" * 5000))]
CONTENT = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS).encode() + b"\n"
every_form = pytest.mark.parametrize("form", FORMS)


@every_form
def test_a_file_in_any_form_gives_its_records(form):
    assert values(FORMS[form](CONTENT)) == RECORDS


@every_form
@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"[ ]\n"], ids=["nothing", "blank lines", "an empty array"])
def test_an_empty_file_in_any_form_has_no_documents(form, content):
    assert documents(FORMS[form](content)) == []


@every_form
def test_what_is_written_in_the_form_of_a_file_is_that_file_again(form):
    before = FORMS[form](CONTENT)
    found = form_of(io.BytesIO(before))
    target = io.BytesIO()
    with writing(target, found) as writer:
        for at in range(0, len(CONTENT), 7):  # also within a character
            writer.write(CONTENT[at : at + 7])
    after = target.getvalue()
    assert form_of(io.BytesIO(after)) == found
    assert values(after) == RECORDS
    assert b"".join(unpacked(io.BytesIO(after))) == b"".join(unpacked(io.BytesIO(before)))


def test_the_members_of_an_archive_are_files_of_their_own():
    half = CONTENT[: len(CONTENT) - 40]
    found = documents(zipped(CONTENT, half, gzip.compress(CONTENT)))
    assert [document.value for document in found if document.reason is None] == RECORDS + RECORDS[:3] + RECORDS
    assert [document.reason for document in found if document.reason] == ["not JSON"]


@pytest.mark.parametrize("form", ["UTF-16 as PowerShell writes it", "UTF-32"])
def test_what_is_no_text_of_its_encoding_is_kept_apart_from_text(form):
    content = FORMS[form](b'{"user": "ann"}\n{"user": "?"}\n')
    odd = content.replace("?".encode(form[:6] + "-le"), b"\x00\xd8\x00\x00"[: int(form[4:6]) // 8])
    cut = odd[:-1]
    assert documents(cut)[0].value == {"user": "ann"}
    assert documents(cut)[1].value == {"user": "\udcff"}
    target = io.BytesIO()
    with writing(target, form_of(io.BytesIO(odd))) as writer:
        writer.write(b'{"user": "ann"}\n{"user": "\xff"}\n')
    assert values(target.getvalue()) == values(odd)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress, zipped])
def test_a_packed_file_that_is_cut_anywhere_is_told(pack):
    whole = pack(CONTENT)
    for length in range(11, len(whole), 17):
        found = documents(whole[:length])
        assert found[-1].reason == "packed file is damaged or cut short", length
        assert [document.value for document in found if document.reason is None] == RECORDS[: len(found) - 1]


def test_an_encrypted_archive_is_told():
    archive = bytearray(zipped(CONTENT))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.rindex(signature) + flags] |= 1
    assert documents(bytes(archive))[-1].reason == "packed file is encrypted"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress, zipped])
def test_a_file_that_unpacks_without_end_is_given_up(pack, monkeypatch):
    monkeypatch.setattr(packing, "_MUCH", 1 << 20)
    monkeypatch.setattr(packing, "BLOCK", 1 << 16)
    good = b'{"a": 1}\n'
    found = documents(pack(good + b" " * (1 << 24)))
    assert found[0].value == {"a": 1}
    assert found[-1].reason == "packed file unpacks to more than 200 times its size"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zipped])
def test_no_block_is_longer_than_was_asked_for_whatever_a_few_bytes_unpack_to(pack, monkeypatch):
    monkeypatch.setattr(packing, "BLOCK", 1 << 12)
    (part,) = opened(io.BytesIO(pack(b" " * (1 << 20))))
    sizes = [len(block) for block in part.blocks if isinstance(block, str)]
    assert (sum(sizes), max(sizes)) == (1 << 20, 1 << 12)


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"PAR1\x15\x04", "Parquet"),
        (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"ORC\x08\x03", "ORC"),
        (b"\xfd7zXZ\x00\x00\x04", "xz"),
        (b"\x04\x22\x4d\x18d@", "lz4"),
        (b"\xff\x06\x00\x00sNaPpY", "snappy"),
        (b"%PDF-1.7\n", "PDF"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel or Word"),
        (b"-----BEGIN PGP MESSAGE-----\n", "PGP"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"a.json".ljust(257, b"\x00") + b"ustar", "tar"),
        (bytes(range(128, 256)), "binary"),
        (bytes(64), "binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_file_that_hides_what_it_holds_is_one_text_and_named(beginning, name, pack):
    content = beginning if name == "binary" else beginning + b'\n{"a": 1}\n{"a": 2}\n'
    (document,) = documents(pack(content))
    assert (document.value, document.reason) == (None, f"{name} file, which is not read")
    assert document.text.encode("utf-8", "surrogateescape") == content


def test_a_spreadsheet_is_no_archive_of_data():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert [document.reason for document in documents(target.getvalue())] == ["Excel file, which is not read"]
