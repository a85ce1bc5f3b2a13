"""Who is listed in an object that is no record has not agreed, whatever is wrong with that object."""

import json
from collections.abc import Callable

import pytest

from stedi_dagster_tests.landing.zone import documents
from stedi_dagster_tests.scenario import customer, reading

GONE = [customer(f"gone{number}@example.net") for number in range(3)]
HELD = ",\n".join(map(json.dumps, GONE))
GOOD = [reading(at=number, wave=[0.5, number], parts=[{"n": 1}]) for number in range(3)]


def landed(content: str) -> list[str]:
    """The people in what is read as a record."""
    return [found.value["email"] for found in documents(content.encode()) if found.value and "email" in found.value]


def indented(key: str) -> str:
    return json.dumps({"page": 1, key: GONE}, indent=2)


def brackets_on_their_own_lines(key: str) -> str:
    return indented(key).replace(": [", ":\n  [").replace("[\n", "[\n\n")


def braces_below_keys(key: str) -> str:
    return json.dumps({"page": 1, key: {"by": {"id": GONE}}}, indent=4).replace(": {", ":\n{").replace(": [", ":\n[")


def tabs(key: str) -> str:
    return json.dumps({key: GONE}, indent="\t").replace("\n", "\r\n")


def without_indent(key: str) -> str:
    return f'{{\n"page": 1,\n"{key}":\n[\n{HELD}\n]\n}}'


def date_first(key: str) -> str:
    return json.dumps({key: ["2023-08", *GONE]}, indent=1)


def nothing_first(key: str) -> str:
    return f'{{"{key}": [\nnull,\n{HELD}\n]}}'


layouts = pytest.mark.parametrize(
    "layout",
    [
        indented,
        brackets_on_their_own_lines,
        braces_below_keys,
        tabs,
        without_indent,
        date_first,
        nothing_first,
    ],
)


@layouts
def test_nobody_in_a_list_that_is_cut_anywhere_lands(layout: Callable[[str], str]) -> None:
    whole = layout("left")
    assert landed(whole) == []
    assert [length for length in range(1, len(whole)) if landed(whole[:length])] == []


@layouts
@pytest.mark.parametrize("end", [0, 30])
@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ('"left"', 'left"'),
        ('"left"', '"left'),
        ('"left"', "left"),
        ('"left"', '"by": "the "desk"", "left"'),
        ('"left"', '"by": "the\ndesk", "left"'),
        ('"left"', '"by": "the\r\ndesk",\n"left"'),
        ('"left"', '"by": desk, "left"'),
        ("[", "[ // who left"),
        ("[", "[\n    // who left"),
        ("[", "[\n# who left"),
        ("[", "[ /* who left */"),
        ("[", "[\x00"),
        ("[", "[ \u2028"),
        ("[", '["2023-08",'),
    ],
)
def test_nobody_in_a_list_with_an_error_before_it_lands(
    layout: Callable[[str], str], sound: str, broken: str, end: int
) -> None:
    whole = layout("left").replace(sound, broken, 1)
    assert landed(whole[: len(whole) - end]) == []


@pytest.mark.parametrize("depth", [70, 900, 2_000, 5_000])
@pytest.mark.parametrize(("opens", "closes"), [('{"in":', "}"), ('{"in":[', "]}")])
@pytest.mark.parametrize("write", [indented, without_indent])
def test_nobody_lands_out_of_what_is_too_deep_to_be_decoded(
    write: Callable[[str], str], opens: str, closes: str, depth: int
) -> None:
    assert landed(opens * depth + write("left") + closes * depth) == []


def test_an_object_in_the_list_that_lost_its_brace_does_not_end_the_list() -> None:
    assert landed(indented("left").replace("    {\n", "    \n", 1)) == []
    assert landed(indented("left").replace("    {\n", '"    {\n', 1)) == []


def times(content: str) -> list[int]:
    return [found.value["timestamp"] for found in documents(content.encode()) if found.reason is None]


def test_indented_records_beside_one_that_is_cut_at_a_line_are_read() -> None:
    # One that is cut behind the beginning of a list, or in a list of objects, may be an envelope: it takes them along.
    records = [json.dumps(record, indent=2) for record in GOOD]
    lines = records[0].splitlines()
    for length in range(1, next(at for at, line in enumerate(lines) if "parts" in line)):
        cut = "\n".join(lines[:length])
        if cut[-1] == "[":
            continue
        assert times("\n".join([records[1], cut, records[2]])) == [1, 2], cut


@pytest.mark.parametrize(
    ("begin", "between", "end"),
    [("[\n  ", ",\n  ", "\n]"), ("[", ",\n ", "]"), ("[", "\n,", "]"), ("", "\n", ""), ("  ", "\n  ", "")],
    ids=["an array", "as Postgres writes it", "commas first", "lines", "indented lines"],
)
def test_lines_indented_no_deeper_than_the_one_that_is_cut_are_read(begin: str, between: str, end: str) -> None:
    first, second, third = map(json.dumps, GOOD)
    for broken in (first[:20], first[: first.index("[")], first.replace("0.5", "x")):
        assert times(begin + between.join([broken, second, third]) + end) == [1, 2]
