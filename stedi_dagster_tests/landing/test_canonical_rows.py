"""A canonical line gives the same row through an engine's JSON reader and through our own."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql.types import DoubleType, LongType

from stedi_dagster.contracts.base import Contract, is_moment
from stedi_dagster.contracts.columns import Column
from stedi_dagster.landing import canonical
from stedi_dagster.landing.canonical import parse, raw_columns, scan
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster_tests.landing.zone import NOW, examples, raw_file, read_ourselves

GAPS = st.sampled_from(["", "", " ", "\t "])
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters='"\\{}:\x7f\ufffd' + "".join(map(chr, range(32))))
)
BIRTHDAYS = st.dates().map(str) | st.from_regex(r"(1900|2000|2023)-(02-(28|29|30)|04-31)", fullmatch=True)


def matching(expression: str) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(expression, re.ASCII), fullmatch=True)


def quoted(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return texts.map(lambda text: f'"{text}"')


def value_of(spec: Column) -> st.SearchStrategy[str]:
    if is_moment(spec):
        value = st.integers(10**12, NOW).map(str)
    elif isinstance(spec.type, LongType):
        value = matching(canonical._LONG)
    elif isinstance(spec.type, DoubleType):
        value = matching(canonical._DOUBLE) | st.sampled_from(["-0", "-0.0", "0e5", "-0E-99", "0.1", "9e99"])
    elif spec.name == "birthDay":
        value = quoted(BIRTHDAYS | TEXTS)
    elif spec.identifies == "person":
        value = quoted(matching(canonical._ADDRESS))
    elif spec.nullable:
        value = quoted(TEXTS)
    else:
        value = quoted(matching(f"{canonical._VISIBLE_CHARACTERS}+"))
    return value | st.just("null") if spec.nullable else value


@st.composite
def lines_of(draw: st.DrawFn, contract: type[Contract]) -> str:
    """A canonical line: required keys and some of the others, in any order, with any white space."""
    columns = [spec for spec in raw_columns(contract) if not spec.nullable or draw(st.booleans())]
    gap = draw(GAPS)
    members = [f'"{spec.name}"{gap}:{gap}{draw(value_of(spec))}' for spec in draw(st.permutations(columns))]
    return f"{gap}{{{gap}{f'{gap},{gap}'.join(members)}{gap}}}{gap}"


def examples_of(strategy: st.SearchStrategy[str], number: int) -> list[str]:
    """So many examples, for engines, which are quick for many lines and slow for many calls."""
    found: list[str] = []

    @given(strategy)
    @settings(examples, max_examples=number)
    def collect(example: str) -> None:
        found.append(example)

    collect()
    return found


@pytest.fixture(scope="module", params=FEEDS.values(), ids=lambda feed: feed.name)
def lines(request, tmp_path_factory):
    """A feed, and a file of many canonical lines of it."""
    path = tmp_path_factory.mktemp("lines") / "lines.json"
    found = examples_of(lines_of(request.param.contract), 500)
    path.write_text("\n".join(found), encoding="utf-8", newline="")
    return request.param, path


def test_a_canonical_line_gives_the_same_row_through_an_engine_and_through_our_own_reader(lines, engine):
    feed, path = lines
    files = [raw_file(path)]
    found = scan(engine, feed.contract, files, now_ms=NOW)
    assert found.accounts_for(files)
    assert found.records >= 400

    rows = [tuple(row) for row in parse(engine, feed.contract, files).collect()]
    expected, bad = read_ourselves(feed, [path])
    counted = Counter(map(repr, rows))
    assert (counted - expected, expected - counted) == (Counter(), Counter())
    assert bad == 0

    raw = [feed.contract.names().index(spec.name) for spec in raw_columns(feed.contract)]
    assert found.values == sum(row[index] is not None for row in rows for index in raw)
