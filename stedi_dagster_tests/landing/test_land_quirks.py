"""Whole landing zones with every oddity: each record is landed or quarantined, exactly once."""

import gzip
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.sample import generate
from stedi_dagster_tests.landing.zone import STEP_TRAINER, examples, land, read_ourselves
from stedi_dagster_tests.scenario import Scenario, step


@pytest.fixture(scope="module")
def quirky(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("quirky") / "landing", scale=0.02, quirks=True)


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)
def test_our_own_reader_makes_of_each_odd_file_what_was_put_there(quirky, feed):
    found, truth = {}, {}
    for odd in quirky.odd_files:
        if odd.feed == feed.name and not odd.marker:
            rows, bad = read_ourselves(feed, [quirky.landing / odd.path])
            found[odd.path] = (rows.total(), bad)
            truth[odd.path] = (odd.good, odd.bad)
    assert found == truth
    assert len(truth) > 40


# One feed on Spark: to find the odd files takes some 80 passes there, of a quarter of a second each.
@pytest.mark.parametrize(
    ("fixture", "feed"),
    [*(("sail", feed) for feed in FEEDS.values()), ("spark", STEP_TRAINER)],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_landing_zone_with_every_quirk_is_landed_to_the_record(fixture, feed, quirky, tmp_path, request):
    outcome = land(request.getfixturevalue(fixture), feed, quirky.landing, tmp_path)
    landed, totals = outcome.landed, quirky.feeds[feed.name]
    odd_files = [odd for odd in quirky.odd_files if odd.feed == feed.name]

    assert landed.records == totals.records + totals.bad
    assert len(outcome.rows) == totals.records
    assert len(outcome.quarantine) == totals.bad == landed.quarantined.total()
    assert Counter(row[0] for row in outcome.quarantine) == {str(odd.path): odd.bad for odd in odd_files if odd.bad}
    assert Counter(row[3] for row in outcome.quarantine) == landed.quarantined
    assert 0 < landed.by_engine < totals.records

    skipped = {odd.path for odd in odd_files if odd.marker}
    folder = quirky.landing / feed.folder
    paths = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(quirky.landing) not in skipped]
    expected, _ = read_ourselves(feed, paths)
    assert (outcome.counted - expected, expected - outcome.counted) == (Counter(), Counter())


def bad_value(token: str) -> st.SearchStrategy[str]:
    """Values that are JSON and no record."""
    return st.sampled_from(
        [
            {**step(serial=token), "sensorReadingTime": "noon"},
            step(serial=token, at=0),
            {"serialNumber": token, "distanceFromObject": 1},
            {**step(), "serialNumber": [token]},
            token,
            {"note": {"deep": [[], {"er": token}]}},
        ]
    ).map(json.dumps)


def broken(token: str) -> st.SearchStrategy[str]:
    """What is no JSON, and must be followed by the end of its line."""
    return st.sampled_from(
        [
            f'{{"serialNumber": "{token}',
            f'{{"serialNumber": "{token}", "a": {{"b": ',
            f"{token} <html>",
            f'["{token}" 5',
        ]
    )


def good(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [
            {},
            {"note": "}{ [\n"},
            {"sensorReadingTime": "1655564400000"},
            {"SERIALNUMBER": step()["serialNumber"]},
            {"distanceFromObject": f" {number} "},
        ]
    ).map(lambda more: {**step(), "distanceFromObject": number, **more})


ARRANGEMENTS = {
    "lines": ("", "\n", "\n"),
    "no last newline": ("", "\n", ""),
    "CRLF": ("\r\n", "\r\n", "\r\n"),
    "blank lines": ("\ufeff\n", "\n \n\n", "\n\n"),
    "concatenated": ("", "", ""),
    "spaces": (" ", " ", " "),
    "array": ("[", ",", "]"),
    "array over lines": ("\ufeff[\n", ",\n", "\n]\n"),
    "array in an array": ("[[],[", " , ", "]]"),
    "array without an end": ("[", ",\n", ""),
}
BY_LINE = ("lines", "no last newline", "CRLF", "blank lines")
NAMES = ("part %d.json", "all*%d.json", "{%d}.json", "%d/x=1/[].json", "Prüfung-%d", "%d.json.gz")


@st.composite
def zones(draw: st.DrawFn) -> tuple[dict[str, bytes], list[int], list[str]]:
    """Files by name, the numbers of the good records in them, and the tokens of the bad ones."""
    files: dict[str, bytes] = {}
    numbers: list[int] = []
    tokens: list[str] = []
    for file in range(draw(st.integers(1, 5))):
        arrangement = draw(st.sampled_from(sorted(ARRANGEMENTS)))
        parts: list[str] = []
        for kind in draw(st.lists(st.sampled_from(["good", "good", "pretty", "bad", "broken"]), max_size=6)):
            place = file * 100 + len(parts)
            if kind in {"good", "pretty"}:
                parts.append(json.dumps(draw(good(place)), indent=2 if kind == "pretty" else None))
                numbers.append(place)
            else:
                tokens.append(f"bad-{place:03}")
                may_break = kind == "broken" and arrangement in BY_LINE
                parts.append(draw(broken(tokens[-1]) if may_break else bad_value(tokens[-1])))
        before, between, after = ARRANGEMENTS[arrangement]
        content = (before + between.join(parts) + after).encode()
        packed = draw(st.booleans())
        files[draw(st.sampled_from(NAMES)) % file] = gzip.compress(content) if packed else content
    return files, numbers, tokens


@given(zone=zones())
@examples
def test_what_was_written_is_landed_or_quarantined_exactly_once(zone, sail, tmp_path_factory):
    files, numbers, tokens = zone
    folder = tmp_path_factory.mktemp("zone")
    for name, content in files.items():
        Scenario(folder).land_text("step_trainer", content, name=name)
    outcome = land(sail, STEP_TRAINER, folder / "landing", folder)
    assert sorted(row[2] for row in outcome.rows) == sorted(numbers)
    raw = "\n".join(outcome.raw)
    assert Counter({token: raw.count(token) for token in tokens}) == Counter(tokens)
    assert outcome.landed.records == len(outcome.rows) + len(outcome.quarantine)
    assert outcome.landed.quarantined.total() == len(outcome.quarantine)
