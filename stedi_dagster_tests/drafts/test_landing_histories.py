"""Whatever happens to a landing zone between runs, what is published is what landing everything makes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stedi_dagster.landing.feeds import Feed
from stedi_dagster_tests.drafts.feeding import Feeding, in_full, touch
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, LATEST_MS, MAKE, NOW, examples
from stedi_dagster_tests.scenario import T0

names = st.sampled_from(["a.json", "b.json", "c*.json", "d.json.gz"])


def contents(feed: Feed) -> st.SearchStrategy[str]:
    """What a file may hold: lines that the engine reads, odd ones, none at all."""
    make = MAKE[feed]
    moment = "lastUpdateDate" if feed is CUSTOMER else "timestamp"
    line = st.builds(
        lambda number, odd: json.dumps(make(**{moment: T0 + number}, **({"extra": "1"} if odd else {}))),
        st.integers(0, 3),
        st.booleans(),
    )
    broken = st.sampled_from(["no JSON", '{"email": "ann@exam', "[1]", '{"x": ', ""])
    ahead = st.integers(1, 3).map(lambda later: json.dumps(make(**{moment: LATEST_MS + later * 1000})))
    return st.lists(line | line | broken | ahead, max_size=3).map("\n".join)


def histories(feed: Feed) -> st.SearchStrategy[list[Any]]:
    """What happens before each of some runs."""
    step = st.one_of(
        st.tuples(st.just("write"), names, contents(feed)),
        st.tuples(st.just("remove"), names),
        st.tuples(st.just("touch"), names),
        st.tuples(st.just("later"), st.integers(0, 2)),
    )
    return st.lists(st.lists(step, min_size=1, max_size=3), min_size=2, max_size=4)


@pytest.mark.long
@pytest.mark.parametrize("feed", [CUSTOMER, ACCELEROMETER], ids=lambda feed: feed.name)
def test_whatever_happens_to_a_landing_zone_what_is_published_is_what_landing_everything_makes(
    tmp_path_factory: pytest.TempPathFactory, sail: SparkSession, feed: Feed
):
    @settings(examples, max_examples=12)
    @given(history=histories(feed))
    def play(history: list[Any]) -> None:
        feeding = Feeding(tmp_path_factory.mktemp("history"), feed, sail)
        now_ms = NOW
        for happenings in history:
            for what, *about in happenings:
                now_ms += _happen(feeding, what, *about)
            feeding.run(now_ms=now_ms)
            assert feeding.holds() == in_full(feeding, now_ms=now_ms)

    play()


def _happen(feeding: Feeding, what: str, *about: Any) -> int:
    """Change the landing zone; return how much later it is then (ms)."""
    if what == "later":
        return int(about[0]) * 1000
    path = feeding.path(about[0])
    if what == "write":
        feeding.scenario.land_text(feeding.feed.name, about[1], name=about[0])
    elif path.exists():
        path.unlink() if what == "remove" else touch(path)
    return 0
