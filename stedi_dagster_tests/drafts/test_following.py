"""Whatever happens between runs, tables that follow what is new are what making them in full would make them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stedi_dagster.settings.policy import PRESETS, Preset
from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.landing.zone import NOW, examples
from stedi_dagster_tests.scenario import T0, customer, reading, step

PEOPLE = ["ann@example.com", " Bob@example.com", "bob@example.com", "eve@example.com"]
DEVICES = ["serial-of-ann@example.com", "serial-of-bob@example.com", "Serial-of-eve@example.com", "nobodys"]
moments = st.sampled_from([T0 - 50, T0, T0 + 50, T0 + 51, T0 + 3_000_000])
people, devices = st.sampled_from(PEOPLE), st.sampled_from(DEVICES)
records = {
    "customer": st.builds(
        lambda email, at, agreed, serial: customer(
            email, agreed=agreed, lastUpdateDate=at, serial=serial or f"serial-of-{email.strip().lower()}"
        ),
        people,
        moments,
        st.none() | moments,
        st.none() | devices,
    ),
    "accelerometer": st.builds(
        lambda user, at, x: reading(user, at, x=x), people, moments, st.sampled_from([0.0, 1.0, -0.0])
    ),
    "step_trainer": st.builds(
        lambda serial, at, distance: step(serial, at, distanceFromObject=distance),
        devices,
        moments,
        st.integers(1, 2),
    ),
}
broken = {
    "customer": people.map(lambda email: '{"email": "%s", "lastUpdateDate": %d,' % (email, T0 + 60)),  # noqa: UP031
    "accelerometer": st.just('{"user": '),
    "step_trainer": st.just("[1]"),
}


def files(feed: str) -> st.SearchStrategy[tuple[str, str, str | None]]:
    """One file that is written, in the place of what it was, or removed."""
    record = records[feed].map(json.dumps)
    lines = st.lists(record | record | broken[feed], min_size=1, max_size=4)
    name = st.sampled_from(["a.json", "b.json", "c.json", "d.json", "e.json"])
    return st.tuples(st.just(feed), name, st.none() | lines.map(lambda found: "".join(f"{one}\n" for one in found)))


step_of_history = st.lists(st.sampled_from(sorted(records)).flatmap(files), min_size=1, max_size=3)
histories = st.lists(step_of_history, min_size=3, max_size=5)
FIRST = [
    ("customer", "0.json", "".join(json.dumps(customer(email)) + "\n" for email in (*PEOPLE, "zoe@example.com"))),
    (
        "accelerometer",
        "0.json",
        "".join(json.dumps(reading(email, T0 + at)) + "\n" for email in PEOPLE for at in (50, 60, 70)),
    ),
    (
        "step_trainer",
        "0.json",
        "".join(json.dumps(step(serial, T0 + at)) + "\n" for serial in DEVICES for at in (50, 70, 80)),
    ),
]


def _happen(making: Making, feed: str, name: str, text: str | None) -> None:
    path = making.scenario.landing / feed / "landing" / name
    if text is not None:
        making.scenario.land_text(feed, text, name=name)
    elif path.exists():
        path.unlink()


@pytest.mark.long
@pytest.mark.parametrize("preset", ["default", "as-of", "as-of-accelerometer-all-steps"])
def test_whatever_happens_between_runs_the_tables_are_what_making_them_in_full_makes(
    tmp_path_factory: pytest.TempPathFactory, sail: SparkSession, preset: Preset
):
    @settings(examples, max_examples=6)
    @given(history=histories)
    def play(history: list[list[Any]]) -> None:
        making = Making(tmp_path_factory.mktemp("history"), sail, PRESETS[preset])
        for happenings in [FIRST, *history]:
            for happening in happenings:
                _happen(making, *happening)
            making.run(now_ms=NOW)
            assert making.holds() == making.in_full(now_ms=NOW)

    play()
