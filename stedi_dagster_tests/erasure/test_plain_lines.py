"""Plain lines: what is read as a table is what the documents say, and whatever could be read otherwise is refused."""

import io
import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.contracts import Contract
from stedi_dagster.erasure import plain_lines as plain
from stedi_dagster.erasure.plain_lines import NotPlainError, PlainLines, contract_of, plain_lines
from stedi_dagster_tests.erasure.raw import ACCELEROMETER, CUSTOMER, STEP_TRAINER
from stedi_dagster_tests.landing.zone import documents
from stedi_dagster_tests.scenario import T0, customer, reading, step

ANN = json.dumps(reading("ann@x.example", T0))
BOB = json.dumps(reading("bob@x.example", T0))


def read(content: bytes, contract: type[Contract] = ACCELEROMETER.contract) -> list[PlainLines]:
    return list(plain_lines(io.BytesIO(content), contract))


def all_of(some: PlainLines) -> pa.BooleanArray:
    return pa.array([True] * some.rows.num_rows)


@pytest.mark.parametrize("feed", [CUSTOMER, ACCELEROMETER, STEP_TRAINER], ids=lambda feed: feed.name)
def test_a_feed_is_known_by_its_first_line(feed):
    record = {
        CUSTOMER: customer("ann@x.example"),
        ACCELEROMETER: reading("ann@x.example", T0),
        STEP_TRAINER: step("d", T0),
    }
    content = io.BytesIO(json.dumps(record[feed]).encode() + b"\nanything")
    assert contract_of(content) is feed.contract
    assert content.tell() == 0


@pytest.mark.parametrize("content", [b"", b"\n", b"{}x", b'{"level": "INFO"}\n', b'{"user": ' + b"1" * (1 << 15)])
def test_other_files_are_no_feeds(content):
    assert contract_of(io.BytesIO(content)) is None


# Each could be read as something else than the rows that a table has.
ODD = {
    "a key twice": '{"user": "ann@x.example", "user": "bob@x.example"}',
    "a key in another case": '{"User": "ann@x.example"}',
    "another key": '{"user": "ann@x.example", "note": "bob@x.example"}',
    "two on a line": ANN + BOB,
    "one over two lines": ANN.replace(", ", ",\n", 1),
    "one over two lines, and two on a line": ANN.replace(", ", ",\n", 1) + BOB,
    "a blank line": ANN + "\n\n" + BOB,
    "a blank line, and two on a line": ANN + BOB + "\n\n" + BOB,
    "a line end of old Macs": ANN + "\r" + BOB,
    "a number as a text": '{"user": "ann@x.example", "timestamp": "1655564072697"}',
    "a text as a number": '{"user": 5}',
    "a fraction of a moment": '{"user": "ann@x.example", "timestamp": 1.5}',
    "no number": '{"user": "ann@x.example", "x": NaN}',
    "an endless number": '{"user": "ann@x.example", "x": -Infinity}',
    "an object within": '{"user": {"user": "ann@x.example"}}',
    "a list": f"[{ANN}]",
    "a null before it": "null" + ANN,
    "a null behind it": ANN + "null",
    "a brace in a text": '{"user": "}"}',
    "indented": " " + ANN,
    "with a comma": ANN + ",\n" + BOB,
    "with a comment": ANN + " // " + BOB,
    "cut short": ANN[:-1],
    "no UTF-8": '{"user": "\udcff"}',
    "half of a pair": '{"user": "\\ud800"}',
    "a control character": '{"user": "\t"}',
    "a mark at the beginning": "\ufeff" + ANN,
    "UTF-16": ANN.encode("utf-16").decode("latin-1"),
    "zeros behind": ANN + "\0",
    "not JSON": "ann@x.example",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("before", [b"", f"{BOB}\n".encode()], ids=["alone", "behind a plain line"])
def test_what_could_be_read_otherwise_is_refused(odd, before):
    encoding = "latin-1" if odd.startswith("\xff\xfe") else "utf-8"
    with pytest.raises(NotPlainError):
        read(before + odd.encode(encoding, "surrogateescape"))


def test_lines_tell_where_they_are():
    content = f"{ANN}\n{BOB}\r\n{ANN}".encode()
    found = [line for some in read(content) for line in some.lines(pc.equal(some.rows["user"], "bob@x.example"))]
    assert [content[line.start : line.end] for line in found] == [f"{BOB}\r\n".encode()]
    assert [(line.document.line, line.document.value["user"]) for line in found] == [(2, "bob@x.example")]


def test_a_line_is_a_document_whatever_kind_of_file_it_would_be_alone():
    # At its place in a file, this makes a tar.
    name = "a" * (257 - len('{"user": "')) + "ustar"
    content = f"{ANN}\n{json.dumps(reading(name, T0))}\n".encode()
    found = [line.document for some in read(content) for line in some.lines(all_of(some))]
    assert [document.value["user"] for document in found] == ["ann@x.example", name]


def test_lines_with_escapes_are_told():
    content = (
        f"{ANN}\n{BOB.replace('bob', chr(92) + 'u0062ob')}\n{ANN}\n{BOB.replace('b@', 'b' + chr(92) + '/@')}".encode()
    )
    assert [one for some in read(content) for one in some.escaped().to_pylist()] == [False, True, False, True]


def test_a_line_longer_than_a_block_is_refused(monkeypatch):
    monkeypatch.setattr(plain, "_BLOCK", len(ANN) // 3)
    with pytest.raises(NotPlainError):
        read(ANN.encode())


texts = st.text(st.one_of(st.sampled_from('abc@.x"\\{}[]:,/ \t\u00e9\u2028\ufeff\x00'), st.characters()), max_size=6)
numbers = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
records = st.fixed_dictionaries(
    {},
    optional={
        "user": st.none() | texts,
        "timestamp": st.integers(-5, 2**62),
        "x": numbers,
        "y": numbers,
        "z": st.none(),
    },
)
written = st.builds(
    lambda record, escaped, gap: json.dumps(record, ensure_ascii=escaped, separators=(f",{gap}", f":{gap}")),
    records,
    st.booleans(),
    st.sampled_from(["", " ", "\t "]),
)
junk = st.sampled_from(["", "{", "}", " ", ",", "\r", "[", "]", '"', "\\", "x", "null", "{}", "\ufeff", "/*", "NaN"])
mangled = st.builds(
    lambda line, at, what: line[: at % (len(line) + 1)] + what + line[at % (len(line) + 1) :],
    written,
    st.integers(0, 99),
    junk,
)
lines = st.lists(st.one_of(written, written, mangled), min_size=1, max_size=6)


@given(lines, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from([1 << 23, 64, 20]))
def test_a_table_has_what_the_documents_say(parts, line_end, ended, block):
    content = (line_end.join(parts) + line_end * ended).encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plain, "_BLOCK", block)
        try:
            blocks = read(content)
        except NotPlainError:
            return
    rows = [{k: v for k, v in row.items() if v is not None} for some in blocks for row in some.rows.to_pylist()]
    said = documents(content)
    assert [document.reason for document in said] == [None] * len(rows)
    assert [{k: v for k, v in one.value.items() if v is not None} for one in said] == rows
    found = [line for some in blocks for line in some.lines(all_of(some))]
    assert [line.document for line in found] == said
    assert b"".join(content[line.start : line.end] for line in found) == content
