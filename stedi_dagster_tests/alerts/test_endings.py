"""What an alert says of a failure: our own sentences and counts, and of what others say not a word."""

from typing import Any

import dagster as dg
import pytest

from stedi_dagster.audits.gate.quarantine import audit_quarantine
from stedi_dagster.audits.gate.volume import audit_volume
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.defs.failures import failure
from stedi_dagster.errors import EngineError, LandingError, StorageError
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.files import list_files, not_utf8
from stedi_dagster_tests.alerts.listeners import UI, failing, passing, run, since


def test_a_run_that_fails_for_another_reason_is_told_in_our_own_sentence(instance, told):
    run_id = run(instance, passing(), error=failure(EngineError("The engine did not start: install Java 17.")))
    [(subject, body)] = told()
    assert subject == "[STEDI] failed: customer_trusted"
    assert body.splitlines() == [
        "Step: customer_trusted",
        "Reason: The engine did not start: install Java 17.",
        f"Failing since: {since(instance, run_id, dg.DagsterEventType.STEP_FAILURE)}",
        f"Run: {UI}/runs/{run_id}",
    ]
    run(instance, passing(), error=failure(EngineError("Another sentence.")))
    assert told() == []
    run(instance, passing())
    [(subject, body)] = told()
    assert subject == "[STEDI] works again: customer_trusted"
    assert "Had been failing since" in body


def test_a_warning_does_not_hide_that_the_step_failed_for_another_reason(instance, told):
    run(instance, failing(severity="WARN"), error=failure(EngineError("The engine is gone.")))
    [(subject, body)] = told()
    assert subject == "[STEDI] failed: customer_trusted, and 1 more"
    assert "Check: consent\nTable: customer_trusted\nSeverity: WARN" in body
    assert "Step: customer_trusted\nReason: The engine is gone." in body


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("cannot cast zwiebelfisch"), "ValueError"),
        (dg.Failure(description="about zwiebelfisch"), "Failure"),
    ],
)
def test_of_an_error_whose_words_may_quote_data_only_the_class_is_told(instance, told, error, shown):
    run(instance, error=error)
    [(_, body)] = told()
    assert f"Reason: {shown}; the run's page says more." in body
    assert "zwiebelfisch" not in body


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError("zwiebelfisch"), "OSError; the run's page says more."),
        (EngineError("The engine needs Java 17."), "The engine needs Java 17."),
    ],
)
def test_a_run_that_fails_before_its_first_step_is_told_by_its_job(instance, told, error, shown):
    @dg.resource
    def lakehouse() -> Any:
        raise error

    run(instance, resources={"lakehouse": lakehouse})
    [(subject, body)] = told()
    assert subject.startswith("[STEDI] failed: ")
    assert f"Reason: {shown}" in body
    assert "zwiebelfisch" not in body
    run(instance, resources={"lakehouse": lakehouse})
    assert told() == []
    run(instance, failing())
    assert [subject for subject, _ in told()] == ["[STEDI] consent fails on customer_trusted"]
    run(instance)
    assert [subject.split(":")[0] for subject, _ in told()] == ["[STEDI] works again"]


def test_an_empty_feed_is_told_in_the_sentence_of_its_check_which_has_the_counts(instance, told):
    run(instance, audit_volume("accelerometer", found=0, published=427, max_shrink=0.1, accepted=False))
    [(_, body)] = told()
    assert "Found: The feed is empty: 0 are there, 427 were published; the limit is 10.00%." in body
    assert "\nFailing since: " in body.partition("stedi/accept-volume=accelerometer.")[2]
    assert "published before" not in body


def test_a_breakdown_is_told_although_the_sentence_has_the_same_number(instance, told):
    counts = {"quarantined": 7, "quarantined: not JSON": 7, "quarantined: too long": 0}
    run(instance, Outcome("quarantine", passed=False, summary="7 of 9 records are quarantined.", counts=counts))
    [(_, body)] = told()
    assert "Found: 7 of 9 records are quarantined. 7 quarantined: not JSON\n" in body


def test_names_of_files_and_what_follows_them_are_not_told_of_a_check(instance, told):
    outcome = audit_quarantine(
        records=20,
        quarantined={"not JSON": 7},
        files={"customer/landing/zwiebelfisch.json": 7},
        max_share=0.01,
        hidden={"customer/landing/Mr. Zwiebelfisch.pdf": "PDF"},
    )
    run(instance, outcome)
    [(_, body)] = told()
    found = "7 of 20 records (35.00%) are quarantined; the limit is 1.00%. It concerns a file in the landing zone,"
    assert f"Found: {found} which the UI names. 7 quarantined: not JSON\n" in body
    assert "zwiebelfisch" not in body.lower()


def test_an_audit_that_a_file_keeps_from_running_is_told_without_its_name(instance, told):
    summary = "The audit could not run: customer/landing/Mr. Zwiebelfisch.json in the landing zone is a pipe."
    run(instance, Outcome("freshness", passed=False, summary=summary))
    [(_, body)] = told()
    assert "Found: The audit could not run: It concerns a file in the landing zone, which the UI names.\n" in body
    assert "zwiebelfisch" not in body.lower()


def test_a_folder_that_is_missing_is_told_in_our_own_sentence(instance, told, tmp_path):
    with pytest.raises(LandingError) as raised:
        list_files(str(tmp_path), FEEDS["accelerometer_landing"])
    run(instance, error=failure(raised.value))
    [(_, body)] = told()
    assert f"Reason: The landing folder {tmp_path}/accelerometer/landing does not exist. " in body
    assert "says more" not in body


@pytest.mark.parametrize(
    "error",
    [
        LandingError("The landing file customer/landing/zwiebelfisch.json cannot be read (OSError). Check it."),
        LandingError("customer/landing/Mr. Zwiebelfisch.json in the landing zone is a link that leads nowhere."),
        StorageError("The storage failed while rewriting the landing file customer/landing/zwiebelfisch (EIO). Go on."),
        not_utf8(UnicodeDecodeError("utf-8", b"zwiebelfisch\xff", 12, 13, "invalid start byte")),
    ],
)
def test_of_an_error_that_names_a_file_the_name_is_not_told(instance, told, error):
    run(instance, error=failure(error))
    [(_, body)] = told()
    assert "Reason: It concerns a file in the landing zone, which the UI names.\n" in body
    assert "zwiebelfisch" not in body.lower()


def test_an_error_of_ours_is_told_in_its_own_sentence_whatever_it_came_of(instance, told):
    class GoneError(EngineError):
        """A kind of its own."""

    @dg.resource
    def lakehouse() -> Any:
        raise GoneError("The engine is gone: start it.") from OSError("zwiebelfisch")

    run(instance, resources={"lakehouse": lakehouse})
    [(_, body)] = told()
    assert "Reason: The engine is gone: start it.\n" in body
    assert "zwiebelfisch" not in body
