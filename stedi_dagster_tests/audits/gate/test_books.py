"""The audits that only count, and how an audit that cannot run has failed."""

from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.quarantine import audit_quarantine
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.outcome import Outcome, run_audit

HIDDEN = "ann@example.com"
numbers = st.integers(0, 10**9)
by_reason = st.dictionaries(st.sampled_from(["duplicate", "no consent", "early"]), numbers)


@settings(derandomize=True)
@given(numbers, by_reason, numbers, st.integers(-3, 3))
def test_books_pass_if_they_add_up_and_tell_by_how_much_they_do_not(
    kept: int, withheld: dict[str, int], quarantined: int, off: int
) -> None:
    rows_in = kept + sum(withheld.values()) + quarantined + off
    outcome = audit_reconciliation(rows_in=rows_in, kept=kept, withheld=withheld, quarantined=quarantined)
    assert outcome.blocks == (off != 0)
    assert outcome.counts.get("unaccounted for", 0) == off
    assert (outcome.counts["in"], outcome.counts["kept"]) == (rows_in, kept)
    assert {f"withheld: {reason}": rows for reason, rows in withheld.items()}.items() <= outcome.counts.items()
    assert outcome.counts.get("quarantined", 0) == quarantined


@settings(derandomize=True)
@given(numbers, by_reason, st.integers(-3, 3))
def test_books_fail_if_the_files_hold_other_rows_than_the_rules_keep(
    kept: int, withheld: dict[str, int], off: int
) -> None:
    rows_in = kept + sum(withheld.values())
    outcome = audit_reconciliation(rows_in=rows_in, kept=kept, expected_kept=kept + off, withheld=withheld)
    assert outcome.blocks == (off != 0)
    assert outcome.counts.get("unaccounted for", 0) == off


def test_rows_too_many_do_not_make_up_for_rows_too_few() -> None:
    # One kept row got lost, another is there twice: the sum is right, the rules say otherwise.
    outcome = audit_reconciliation(rows_in=10, kept=10, expected_kept=9, withheld={"duplicate": 1})
    assert outcome.blocks


@pytest.mark.parametrize(
    ("records", "bad", "share", "passes"),
    [
        (100, 5, 0.05, True),
        (100, 6, 0.05, False),
        (1_000_000, 50_000, 0.05, True),
        (1_000_000, 50_001, 0.05, False),
        (30, 3, 0.1, True),
        (10, 10, 1.0, True),
        (10, 0, 0.0, True),
        (10_000, 1, 0.0, False),
        (0, 0, 0.0, True),
    ],
)
def test_a_feed_is_broken_above_the_share_and_not_at_it(records: int, bad: int, share: float, passes: bool) -> None:
    quarantined = {"not JSON": bad - bad // 2, "user is missing": bad // 2}
    outcome = audit_quarantine(records=records, quarantined=quarantined, files={"a.json": bad}, max_share=share)
    assert (outcome.passed, outcome.blocks) == (passes, not passes)
    assert outcome.counts == {
        "records": records,
        "quarantined": bad,
        "quarantined: not JSON": quarantined["not JSON"],
        "quarantined: user is missing": quarantined["user is missing"],
        "in a.json": bad,
    }


class EngineGoneError(PySparkException):
    """An engine's error that quotes a row."""

    def __init__(self) -> None:
        super().__init__(f"[CAST_INVALID_INPUT] The value '{HIDDEN}' cannot be cast")


class ConnectionLostError(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    """The way to the engine broke."""

    def __str__(self) -> str:
        return f"UNAVAILABLE while sending {HIDDEN}"


@pytest.mark.parametrize("error", [EngineGoneError(), ConnectionLostError()])
def test_an_audit_that_the_engine_cannot_run_has_failed_and_quotes_nothing(error: Exception) -> None:
    def audit() -> Outcome:
        raise error

    outcome = run_audit("consent", audit)
    assert outcome.blocks
    assert outcome.check == "consent"
    assert type(error).__name__ in outcome.summary
    assert HIDDEN not in repr(outcome)


def test_an_engine_that_stumbles_over_a_value_does_not_get_it_into_the_outcome(engine: SparkSession) -> None:
    frame = engine.createDataFrame([(HIDDEN,)], "email string")

    def audit() -> Outcome:
        rows: Any = frame.select(F.col("email").cast("int")).collect()
        return Outcome("contract", passed=True, summary=str(rows))

    outcome = run_audit("contract", audit)
    assert outcome.blocks
    assert HIDDEN not in repr(outcome)


def test_a_bug_of_ours_is_no_failed_audit() -> None:
    def audit() -> Outcome:
        raise KeyError("no such rule")

    with pytest.raises(KeyError):
        run_audit("contract", audit)


def test_a_warning_blocks_nothing() -> None:
    assert not Outcome("same_person", passed=False, summary="", severity="WARN").blocks
