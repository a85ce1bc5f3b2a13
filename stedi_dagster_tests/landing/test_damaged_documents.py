import gzip
import json
import time
from typing import Any

import pytest

from stedi_dagster_tests.landing.zone import documents, values

GOOD = [{"a": number, "b": [{"c": None}]} for number in range(5)]
LINES = [json.dumps(record).encode() for record in GOOD]
HALF = LINES[0][:7]
DAMAGED = "packed file is damaged or cut short"


def sorted_out(content: bytes) -> tuple[list[Any], list[tuple[str, str]]]:
    """The objects, and the reasons and texts of all the rest."""
    found = documents(content)
    return (
        [document.value for document in found if document.reason is None],
        [(document.reason, document.text.strip()) for document in found if document.reason is not None],
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\n".join([*LINES, HALF]),
        b"".join([*LINES, HALF]),
        b"[" + b",".join([*LINES, HALF]),
        b"\n".join([HALF, *LINES]),
        b"\n".join([*LINES[:2], HALF, *LINES[2:]]),
        b"\r\n".join([*LINES[:2], HALF, b"", *LINES[2:]]),
        b"\n".join([*LINES[:2], HALF, b"[" + b",".join(LINES[2:]) + b"]"]),
        b"[" + b",\n".join([*LINES[:2], HALF, *LINES[2:]]) + b"]",
    ],
    ids=[
        "at the end",
        "at the end of a line of many",
        "at the end of an array",
        "before good ones",
        "among good ones",
        "among good ones, CRLF",
        "before an array",
        "in an array",
    ],
)
def test_a_truncated_record_is_one_bad_document_and_costs_no_other(content):
    good, bad = sorted_out(content)
    assert good == GOOD
    assert [(reason, text.rstrip(",").encode()) for reason, text in bad] == [("not JSON", HALF)]


@pytest.mark.parametrize("end", [b"", b",", b",\n", b"\n\n", b', "a text"', b", []"])
def test_an_array_cut_short_between_records_costs_none_of_them_and_is_told(end):
    good, bad = sorted_out(b"[" + b",\n".join(LINES) + end)
    assert good == GOOD
    assert bad[-1] == ("array without an end", "")
    assert sorted_out(b"[")[1] == bad[-1:]


def test_a_record_cut_inside_a_pretty_printed_one_is_one_bad_document():
    pretty = [json.dumps(record, indent=2).encode() for record in GOOD]
    good, bad = sorted_out(b"\n".join([*pretty, pretty[0][: pretty[0].index(b"[")]]))
    assert good == GOOD
    assert [reason for reason, _ in bad] == ["not JSON"]


def test_rubbish_before_between_and_after_records_is_reported_as_it_stands():
    good, bad = sorted_out(b"user,x\n1,2\n" + b"\n".join(LINES) + b"\nthe end\n")
    assert good == GOOD
    assert bad == [("not JSON", "user,x"), ("not JSON", "1,2"), ("not JSON", "the end")]


def test_binary_rubbish_is_one_bad_document_with_its_bytes():
    rubbish = bytes(byte for byte in range(256) if byte not in b'\t\n\r {}[]",') * 3
    good, bad = sorted_out(rubbish)
    assert good == []
    assert [text.encode("utf-8", "surrogateescape") for _, text in bad] == [rubbish]


def test_bytes_that_are_no_utf8_stay_recognizable_inside_a_string():
    (record,) = values(b'{"email": "\xff\xc3(ann"}')
    assert record["email"].encode("utf-8", "surrogateescape") == b"\xff\xc3(ann"


def test_gzip_members_one_after_the_other_are_one_file():
    content = b"\n".join(LINES)
    assert values(gzip.compress(content[:30]) + gzip.compress(b"") + gzip.compress(content[30:])) == GOOD


def test_zeros_after_a_gzip_member_are_padding():
    assert values(gzip.compress(b"\n".join(LINES)) + bytes(512)) == GOOD


def test_what_stands_before_the_cut_of_a_gzip_file_is_read():
    whole = gzip.compress(b"\n".join(LINES), 0)
    good, bad = sorted_out(whole[: -8 - len(LINES[-1]) // 2])
    assert good == GOOD[:-1]
    assert [reason for reason, _ in bad] == [DAMAGED]


@pytest.mark.parametrize("length", range(2, 30))
def test_a_gzip_file_cut_anywhere_is_reported_once(length):
    _, bad = sorted_out(gzip.compress(b"\n".join(LINES))[:length])
    assert [reason for reason, _ in bad] == [DAMAGED]


@pytest.mark.parametrize("rubbish", [b"rubbish", b"\x1f\x8b", b"\x1f\x8b\x08\x00rubbish", b"\x1f\x8b\x07 and so on"])
def test_rubbish_after_a_gzip_file_is_reported_and_what_was_packed_is_read(rubbish):
    good, bad = sorted_out(gzip.compress(b"\n".join(LINES) + b"\n") + rubbish)
    assert good == GOOD
    assert bad == [(DAMAGED, "")]


def test_a_wrong_checksum_is_reported_and_what_was_packed_is_read():
    whole = bytearray(gzip.compress(b"\n".join(LINES)))
    whole[-8] ^= 0xFF
    assert sorted_out(bytes(whole)) == (GOOD, [(DAMAGED, "")])


def test_scrambled_gzip_is_reported():
    whole = bytearray(gzip.compress(b"\n".join(LINES * 50)))
    whole[20:40] = b"\xff" * 20
    _, bad = sorted_out(bytes(whole))
    assert bad[-1][0] == DAMAGED


def test_a_number_of_more_digits_than_python_converts_spoils_its_own_record_only():
    huge = b'{"a": %s}' % (b"9" * 5000)
    for end in (b"\n", b"", b","):
        good, bad = sorted_out(LINES[0] + b"\n" + huge + end + LINES[1] + b"\n" + LINES[2])
        assert good == GOOD[:3]
        assert [reason for reason, _ in bad] == ["not JSON"]


@pytest.mark.parametrize(
    "deep",
    [b'{"a":' * 100_000, b'{"a":[' * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"a":' + b"[" * 100_000],
    ids=["objects", "objects and arrays", "objects, closed", "arrays in an object"],
)
def test_a_hundred_thousand_brackets_are_one_bad_document(deep):
    good, bad = sorted_out(LINES[0] + b"\n" + deep + b"\n" + LINES[1])
    assert good == GOOD[:2]
    assert [reason for reason, _ in bad] == ["not JSON"]


def test_a_record_inside_a_hundred_thousand_arrays_is_found():
    assert values(b"[" * 100_000 + LINES[0] + b"]" * 100_000 + LINES[1]) == GOOD[:2]


def test_the_deepest_readable_records_with_a_key_twice_are_compared():
    for depth in range(100, 1100, 10):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        assert len(documents(b'{"x": %s, "x": %s}' % (deep, deep))) == 1


def test_no_line_is_counted_to_say_where_decoding_failed(monkeypatch):
    # Python counts the lines before every decoding error: 70 seconds for 4 MB of bad lines, and 0.3 without that.
    counted = 0
    told = json.JSONDecodeError.__init__

    def telling(self: json.JSONDecodeError, message: str, text: str, at: int) -> None:
        nonlocal counted
        counted += text.count("\n", 0, at)
        told(self, message, text, at)

    monkeypatch.setattr(json.JSONDecodeError, "__init__", telling)
    assert len(documents(b"{'user': 'x', 'timestamp': 1655564400000, 'x': 0.0}\n" * 2_000)) == 2_000
    assert counted == 0


def test_a_wide_gap_in_rubbish_is_searched_once():
    # Two greedy gaps side by side, in the search for where reading may go on, would try each split of the gap: minutes
    # on a machine that reads these lines in a fifth of a second.
    lines = seconds_to_read(b"\n".join(LINES * 10_000), documents_in_it=50_000)
    assert seconds_to_read(b"{'a'}" + b" " * 100_000 + b"x", documents_in_it=2) < 10 * lines


def seconds_to_read(content: bytes, *, documents_in_it: int) -> float:
    """What reading costs on this machine, whatever else it does."""
    begin = time.process_time()
    assert len(documents(content)) == documents_in_it
    return time.process_time() - begin
