"""The audit `volume`: how much of a feed may be missing, and who may say that it is meant."""

import pytest

from stedi_dagster.audits.gate.volume import audit_volume
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.run_tags import ACCEPT_VOLUME, names_in


def judged(found: int, published: int | None, *, max_shrink: float = 0.1, accepted: bool = False) -> Outcome:
    return audit_volume("customer", found=found, published=published, max_shrink=max_shrink, accepted=accepted)


@pytest.mark.parametrize(
    ("found", "published", "max_shrink", "passes"),
    [
        (0, None, 0.1, True),
        (5, None, 0.1, True),
        (0, 0, 0.1, True),
        (200, 100, 0.1, True),
        (900, 1000, 0.1, True),
        (899, 1000, 0.1, False),
        (501, 1000, 0.5, True),
        (499, 1000, 0.5, False),
        # Up to ten records are never worth it, under the strictest limit either.
        (1, 11, 0.0, True),
        (89, 100, 0.0, False),
        # All of them always are, and if there was one.
        (0, 1, 0.1, False),
        (0, 1000, 1.0, False),
        (1, 1000, 1.0, True),
    ],
)
def test_a_feed_may_lose_a_share_or_ten_records_and_never_all(
    found: int, published: int | None, max_shrink: float, *, passes: bool
) -> None:
    assert judged(found, published, max_shrink=max_shrink).blocks == (not passes)
    assert not judged(found, published, max_shrink=max_shrink, accepted=True).blocks


def test_what_is_missing_is_said_with_what_to_do() -> None:
    outcome = judged(800, 1000)
    assert outcome.counts == {"records": 800, "records published before": 1000}
    for said in ("200 records (20.00%) are missing", "10.00%", "--accept-volume customer", f"{ACCEPT_VOLUME}=customer"):
        assert said in outcome.summary
    assert "The feed is empty" in judged(0, 1000).summary
    assert "accepted" in judged(0, 1000, accepted=True).summary
    assert "accepted" not in judged(1000, 1000, accepted=True).summary


def test_a_run_says_by_its_tag_which_feeds_may_be_smaller() -> None:
    assert names_in({ACCEPT_VOLUME: "customer, step_trainer"}, ACCEPT_VOLUME) == {"customer", "step_trainer"}
    assert names_in({}, ACCEPT_VOLUME) == set()
