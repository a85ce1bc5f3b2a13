"""The audit `doubt`: how many people may go because a record of theirs cannot be read."""

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.audits.gate.doubt import audit_doubt, too_many_doubted
from stedi_dagster.contracts import Quarantine
from stedi_dagster.policies.people import doubted_people
from stedi_dagster_tests.policies.frames import customers, frame
from stedi_dagster_tests.scenario import T0, customer


@pytest.mark.parametrize(
    ("doubted", "published", "max_doubt", "too_many"),
    [
        (0, 0, 0.1, False),
        (10, 11, 0.1, False),
        (11, 12, 0.1, True),
        (100, 1000, 0.1, False),
        (101, 1000, 0.1, True),
        (500, 1000, 0.5, False),
        (11, 1000, 0.0, True),
        # Never all, unless that is one person, or the operator says so.
        (1, 1, 0.0, False),
        (2, 2, 0.9, True),
        (1000, 1000, 1.0, False),
    ],
)
def test_a_share_or_ten_people_may_go_and_never_all(
    doubted: int, published: int, max_doubt: float, *, too_many: bool
) -> None:
    assert too_many_doubted(doubted, published, max_doubt) == too_many


def test_only_who_is_published_agrees_and_has_a_later_unreadable_record_is_in_doubt(sail: SparkSession) -> None:
    landed = customers(
        sail,
        customer("in-doubt@x"),
        customer("new-in-doubt@x"),
        customer("withdrew@x", agreed=None),
        customer("agreed-later@x", lastUpdateDate=T0 + 9),
        customer("clear@x"),
    )
    texts = [
        {"people": f"{name}@x", "moment": T0 + 5} for name in ("in-doubt", "new-in-doubt", "withdrew", "agreed-later")
    ]
    doubted = doubted_people(landed, frame(sail, Quarantine, texts))
    published = customers(sail, *map(customer, ("in-doubt@x", "withdrew@x", "agreed-later@x", "clear@x")))
    outcome = audit_doubt(doubted, published, max_doubt=0.1)
    assert outcome.passed
    assert outcome.counts == {"people": 1, "people published before": 4}
    assert audit_doubt(doubted, None, max_doubt=0.0).passed
    alone = customers(sail, customer("in-doubt@x"), customer("new-in-doubt@x"))
    blocking = audit_doubt(doubted, alone, max_doubt=0.1)
    assert blocking.blocks
    for said in ("2 of 2", "10.00%", "stedi quarantine", "STEDI_MAX_DOUBT"):
        assert said in blocking.summary
    assert "@" not in repr(blocking)
