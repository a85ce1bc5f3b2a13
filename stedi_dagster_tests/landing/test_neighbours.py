"""What a text that cannot be read costs: itself, and no other; and nothing in an object that is no record is one."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from stedi_dagster.landing.documents import reader, stretch
from stedi_dagster_tests.landing.zone import documents
from stedi_dagster_tests.scenario import customer, reading

GOOD = [reading(at=number, wave=[0.5, number], device={"model": {"name": "SX"}}) for number in range(4)]
LINES = [json.dumps(record) for record in GOOD]
PEOPLE = [customer(f"p{number}@example.com") for number in range(5)]


def read(content: str | bytes) -> tuple[list[Any], list[str]]:
    """The objects and the texts."""
    found = documents(content.encode() if isinstance(content, str) else content)
    return (
        [document.value for document in found if document.reason is None],
        [document.text.strip() for document in found if document.reason is not None],
    )


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x1e", "\n\n"], ids=["LF", "CR", "CRLF", "RS", "blank line"])
def test_a_line_cut_anywhere_costs_no_other_and_is_one_text(end):
    for length in range(1, len(LINES[0])):
        cut = LINES[0][:length].rstrip()
        if cut[-1] == "[":
            continue  # the next line may be of the list
        assert read(end.join([LINES[1], cut, *LINES[2:]])) == ([GOOD[1], *GOOD[2:]], [cut]), cut


@pytest.mark.parametrize("separator", ["\x1e", "\n\x1e", "\x1e\n", ",", " , ", "\r", "\t"])
def test_separators_of_json_sequences_are_none_of_the_texts(separator):
    assert read(separator + separator.join(LINES) + separator) == (GOOD, [])


@pytest.mark.parametrize(
    "separator",
    [r"\n", r"\r\n", r"\n\n", ";", "|", "%0A", "<br>", r"\u001e", "/* next */", "\x00", r" \n ", r"42", '"text"'],
)
def test_what_else_stands_between_records_is_a_text_and_costs_none(separator):
    assert read(separator.join(LINES)) == (GOOD, [separator.strip()] * 3)


@pytest.mark.parametrize("mark", ["// ", "# ", "-- ", "<!-- ", "DELETED ", "- ", "withdrawn: ", "/* ", "no, "])
def test_a_record_behind_something_on_its_line_is_not_read(mark):
    records = ", ".join(LINES[:2])
    good, texts = read(f"{LINES[3]}\n{mark}{records} */\n{LINES[2]}")
    assert good == [GOOD[3], GOOD[2]]
    assert texts == [f"{mark}{records} */"]


def test_a_comment_over_many_lines_holds_no_record():
    assert read("\n".join([LINES[0], "/*", *LINES[1:3], "*/", LINES[3]]))[0] == [GOOD[0], GOOD[3]]
    assert read("\n".join([LINES[0], "/*", *LINES[1:]]))[0] == [GOOD[0]]


def test_comments_in_an_array_are_texts_and_the_records_beside_them_are_read():
    content = f"// exported\n[\n{LINES[0]}, // first\n/* two */ {LINES[1]},\n{LINES[2]} # last\n]\n{LINES[3]}"
    assert read(content) == (GOOD, ["// exported", "// first", "/* two */", "# last"])


def test_spellings_of_other_languages_are_texts_and_the_lines_between_them_are_read():
    near = ["{'a': 1}", '{"a": 1,}', "{a: 1}", '{"a": None}', '{"a": True}', '{"a": 0x1}', '{"a": .5}', '{"a": +1}']
    lines = [line for pair in zip(near, LINES * 2, strict=True) for line in pair]
    assert read("\n".join(lines)) == (GOOD * 2, near)
    assert read("[" + ",\n".join(lines) + "]")[0] == GOOD * 2
    assert read(" ".join(lines))[0] == GOOD * 2


def test_each_unreadable_line_is_a_text_of_its_own():
    lines = ['{"email": "ann@example.com", "lastUpdateDate": 1 #', '"please take out ben"', "cyd too", '"a","b"', "x,1"]
    assert read("\n".join([LINES[0], *lines, LINES[1]])) == (GOOD[:2], lines)


def compact(envelope: Any) -> str:
    return json.dumps(envelope)


def pretty(envelope: Any) -> str:
    return json.dumps(envelope, indent=2)


def by_line(envelope: Any) -> str:
    return json.dumps(envelope).replace("[{", "[\n{").replace("}, {", "},\n{").replace("}]", "}\n]")


writings = pytest.mark.parametrize("write", [compact, pretty, by_line])


@writings
@pytest.mark.parametrize(
    "envelope",
    [
        {"deleted": PEOPLE},
        {"kind": "opt-out", "page": 1, "items": PEOPLE, "next": None},
        {"data": {"deleted": PEOPLE}},
        {"batches": [[PEOPLE[:2]], [PEOPLE[2:]]]},
    ],
    ids=["a list", "among others", "deeper", "lists of lists"],
)
def test_an_envelope_is_one_text_and_nothing_in_it_a_record_wherever_it_is_cut(write, envelope):
    whole = write(envelope)
    assert [document.value for document in documents(whole.encode())] == [envelope]
    for length in range(1, len(whole), 7):
        good, texts = read(whole[:length])
        assert (good, len(texts)) == ([], 1), whole[:length]
    for other in (gzip.compress(whole.encode())[:-9], whole.encode()[:-1] + b"\x00"):
        assert [value for value in read(other)[0] if "email" in value] == []


@writings
@pytest.mark.parametrize(
    ("before", "after"),
    [('"email"', "email"), ('"5550100"', "None"), ("example.com", 'example".com'), ("}", ""), ("p2@", "p2\n")],
)
def test_nothing_in_an_envelope_with_an_error_in_it_is_a_record(write, before, after):
    whole = write({"deleted": PEOPLE, "page": 1})
    parts = whole.split(before)
    for place in range(1, len(parts)):
        if (broken := before.join(parts[:place]) + after + before.join(parts[place:])).count("[") == 1:
            found = [value for value in read(broken)[0] if "email" in value]
            assert found == [], broken


def test_what_is_left_of_an_envelope_without_its_beginning_holds_no_record():
    whole = pretty({"kind": "opt-out", "deleted": PEOPLE})
    assert read(whole[whole.index('"deleted"') :])[0] == []
    assert read("deleted: [\n" + ",\n".join(map(json.dumps, PEOPLE)) + "\n]")[0] == []


def test_lines_behind_an_envelope_are_read():
    for write in (compact, pretty, by_line):
        assert read(write({"deleted": PEOPLE}) + "\n" + "\n".join(LINES))[0][1:] == GOOD
        broken = write({"deleted": PEOPLE}).replace("5550100", "555\n0100", 1) + "\n"
        assert read(broken + "\n".join(LINES))[0][-3:] == GOOD[-3:]


@pytest.mark.parametrize("block", [1 << 10, 1 << 12])
@pytest.mark.parametrize("before", [0, 500, 2_000, 20_000])
def test_a_large_record_is_read_wherever_it_stands(monkeypatch, block, before):
    monkeypatch.setattr("stedi_dagster.landing.formats.form.BLOCK", block)
    large = reading(photo="QUJD\\" * 4_000, note="}{\n", list=[{"x": "y" * 3_000}])
    lines = (LINES * (before // len(LINES[0])))[: before // len(LINES[0])]
    for dumped in (json.dumps(large), json.dumps(large, indent=1), json.dumps(large).replace(": ", ":\n")):
        good, texts = read("\n".join([*lines, dumped, LINES[0]]))
        assert (len(good), good[-2:], texts) == (len(lines) + 2, [large, GOOD[0]], [])


KINDS: dict[str, Callable[[int], str]] = {
    "good lines": lambda n: "\n".join(LINES * n),
    "one long string": lambda n: '{"data": "' + "QUJD" * n + '"}',
    "one long string that is cut": lambda n: '{"data": "' + "QUJD" * n + "\n" + LINES[0],
    "zeros": lambda n: LINES[0] + "\n" + "\x00" * 50 * n,
    "a line without a blank": lambda n: "QUJD" * 10 * n,
    "quotes": lambda n: '"' * 20 * n,
    "lines cut behind a colon": lambda n: '{"user":\n' * n,
    "lines cut in a list": lambda n: '{"x": 1, "list": [1,\n' * n,
    "lines cut in a list of objects": lambda n: '{"list": [{"x": 1},\n' * n,
    "lines cut in a text": lambda n: '{"user": "an\n' * n,
    "objects cut on one line": lambda n: '{"x": 0' * n,
    "broken objects on one line": lambda n: "{'x': 0}" * n,
    "members on lines": lambda n: '"x": 1,\n' * n,
    "brackets": lambda n: '{"a":' * n + "]" * n,
    "closing brackets": lambda n: "}]" * n,
    "an envelope": lambda n: json.dumps({"Records": GOOD * n}),
    "an envelope that is cut": lambda n: json.dumps({"Records": GOOD * n}, indent=1)[:-9],
    "an envelope with an error at its end": lambda n: '{"Records": [' + ",\n".join(LINES * n) + " x]}\n" + LINES[0],
    "a broken pretty-printed object and lines": lambda n: '{\n"a": x\n' + "y\n" * n,
    "mixed lists": lambda n: '{"x": [1,\n{"y": 1},\n' * n,
}


@pytest.mark.parametrize("kind", KINDS)
def test_four_times_as_much_is_four_times_the_work(kind, monkeypatch):
    monkeypatch.setattr("stedi_dagster.landing.formats.form.BLOCK", 1 << 10)
    steps = 0
    take, decoded = stretch.Stretch._take, reader._Reader._decoded

    def counted_take(self: Any, token: Any, *more: Any, **flags: Any) -> Any:
        nonlocal steps
        steps += len(token[0])
        return take(self, token, *more, **flags)

    def counted_decoded(self: Any) -> Any:
        nonlocal steps
        value, length, error, is_sure = decoded(self)
        steps += length or error
        return value, length, error, is_sure

    monkeypatch.setattr(stretch.Stretch, "_take", counted_take)
    monkeypatch.setattr(reader._Reader, "_decoded", counted_decoded)
    found = []
    for size in (400, 1_600):
        steps = 0
        read(KINDS[kind](size))
        found.append(steps)
    assert found[1] <= 5 * found[0] + 100_000
