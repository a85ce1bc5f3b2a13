import codecs
import gzip
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.landing.documents import Ambiguous, reader
from stedi_dagster.landing.formats.packing import BLOCK
from stedi_dagster_tests.landing.zone import documents, examples, values
from stedi_dagster_tests.scenario import reading

_BLOCK_OF = "stedi_dagster.landing.formats.form.BLOCK"
RECORDS = [reading(at=number, note=note) for number, note in enumerate(("", "}{", "[1]\n", "Zoë 山田 🦶", '"\\'))]
LINES = [json.dumps(record, ensure_ascii=False) for record in RECORDS]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{line}\n" for line in LINES),
        "\n".join(LINES),
        "".join(LINES),
        " ".join(LINES),
        "\r\n".join(LINES),
        "\r".join(LINES),
        "\n\n  \t\n".join(["", *LINES, ""]),
        "\ufeff" + "\n".join(LINES),
        "\n".join(json.dumps(record, indent=4) for record in RECORDS),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2) + "\n",
        "[" + ",\r\n".join(LINES) + "]",
        json.dumps([RECORDS[:2], [[], [RECORDS[2:3]], []], *RECORDS[3:]]),
        ",\n".join(LINES),
        json.dumps(RECORDS[:2]) + json.dumps(RECORDS[2:]),
        f"[]{LINES[0]}[{LINES[1]}]" + "\n".join(LINES[2:]) + "[[]]",
    ],
    ids=[
        "one object a line",
        "no last newline",
        "concatenated",
        "spaces between",
        "CRLF",
        "CR",
        "blank lines",
        "BOM",
        "pretty-printed",
        "array",
        "pretty array",
        "array with a record a line",
        "nested arrays",
        "commas between, and no brackets",
        "two arrays on a line",
        "arrays among objects",
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_every_arrangement_gives_the_same_records_in_their_order(text, pack):
    assert values(pack(text.encode())) == RECORDS


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\t\n", codecs.BOM_UTF8, b"[]", b"[[], []]\n", b"[ ,]"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_file_without_anything_in_it_has_no_documents(content, pack):
    assert documents(pack(content)) == []


def test_lines_and_bytes_are_counted_from_the_start_of_the_unpacked_file():
    texts = ['{"a": "é"}', '{"b":\n 1}', '{"c": 1}', "42", '{"d": 1}']
    content = "\ufeff\r\n{}\n[{},\n {}] {}\n\n{}".format(*texts).encode()
    found = documents(gzip.compress(content))
    assert [document.text for document in found] == texts
    assert [document.line for document in found] == [2, 3, 5, 5, 7]
    assert [document.position for document in found] == [content.index(text.encode()) for text in texts]


@pytest.mark.parametrize("scalar", ["42", '"text"', "null", "true", "NaN", "-Infinity"])
def test_a_value_that_is_no_object_is_said_to_be_none(scalar):
    content = f'{{"a": 1}}\n{scalar}\n[{scalar}]{{"b": 1}}'.encode()
    assert [(document.reason, document.text) for document in documents(content)] == [
        (None, '{"a": 1}'),
        ("not an object", scalar),
        ("not an object", scalar),
        (None, '{"b": 1}'),
    ]


def test_a_key_that_stands_twice_is_ambiguous_only_where_its_values_differ():
    assert values(b'{"a": 1, "b": 2, "a": 1, "b": 3, "b": 2, "c": {"d": 1, "d": 2}}') == [
        {"a": 1, "b": Ambiguous, "c": {"d": Ambiguous}}
    ]


def test_a_key_that_is_null_once_and_a_value_once_is_ambiguous():
    assert values(b'{"a": null, "a": 1}{"a": 1, "a": null}') == [{"a": Ambiguous}, {"a": Ambiguous}]


def test_nan_and_infinity_are_read_and_left_for_the_records_to_refuse():
    assert repr(values(b'{"x": NaN, "y": -Infinity, "z": 1e999}')) == "[{'x': nan, 'y': -inf, 'z': inf}]"


@pytest.mark.parametrize("block", [1, 2, 7, 100])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_records_across_the_borders_of_blocks_are_read_whole(monkeypatch, block, pack):
    content = "\ufeff{}\n{}garbage\n\n{}[{},\r\n{}".format(*LINES).encode() + b'\xff\n{"half": '
    whole = documents(pack(content))
    monkeypatch.setattr(_BLOCK_OF, block)
    assert documents(pack(content)) == whole
    assert [document.value for document in whole if not document.reason] == RECORDS


def test_a_file_of_many_blocks_is_read_whole():
    lines = [json.dumps(reading(at=number, note="é" * (number % 50))) for number in range(60_000)]
    content = "\n".join(lines).encode()
    assert len(content) > 1.5 * BLOCK
    found = documents(content)
    assert [document.value["timestamp"] for document in found] == list(range(60_000))
    assert [document.line for document in found] == list(range(1, 60_001))
    assert found[-1].position == content.rindex(b"\n") + 1


def test_a_document_longer_than_the_longest_is_refused_and_the_next_one_read(monkeypatch):
    monkeypatch.setattr(_BLOCK_OF, 64)
    monkeypatch.setattr(reader, "LONGEST", 256)
    content = b'{"a": 1}\n{"b": "%s"}\n{"c": 1}\n' % (b"x" * 5000)
    found = documents(content)
    assert [document.value for document in found if not document.reason] == [{"a": 1}, {"c": 1}]
    assert "".join(document.text for document in found if document.reason).strip() == '{"b": "%s"}' % ("x" * 5000)


FRAGMENTS = st.one_of(
    st.sampled_from([line.encode() for line in LINES]),
    st.sampled_from([b"\n", b"\r\n", b",", b"[", b"]", b"{", b"}", b'"', b" ", b"\\", b"42", b"null", codecs.BOM_UTF8]),
    st.sampled_from([b'{"a": ', b'{"a": {', b"\xff\xfe", b"\xc3", b"\xa9", b"\x00", b"\xed\xa0\x80"]),
    st.binary(max_size=5),
)


@given(st.lists(FRAGMENTS, max_size=40), st.sampled_from([3, 64, 1 << 22]), st.sampled_from([50, 1 << 20]))
@examples
def test_every_byte_but_white_space_and_array_punctuation_is_in_exactly_one_document(fragments, block, longest):
    content = b"  " + b"".join(fragments)  # not by chance the beginning of a packed file, or of UTF-16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_BLOCK_OF, block)
        patch.setattr(reader, "LONGEST", longest)
        found = documents(content)
    between, end = b"", 0
    for document in found:
        text = document.text.encode("utf-8", "surrogateescape")
        assert text or document.reason == "array without an end"
        assert content[document.position : document.position + len(text)] == text
        assert document.line == content.count(b"\n", 0, document.position) + 1
        assert document.position >= end
        between += content[end : document.position]
        end = document.position + len(text)
    between += content[end:]
    assert re.sub(rb"[ \t\r\n\x1e,\[\]]|\xef\xbb\xbf", b"", between) == b""
