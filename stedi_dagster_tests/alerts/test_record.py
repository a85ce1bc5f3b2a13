"""From runs to alerts: each failure once, its recovery once, and nothing but names, numbers, times and a link."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.alerts.message import Message, Tone, moment
from stedi_dagster.alerts.outbox import FOLDER, open_outbox
from stedi_dagster.audits.outcome import Outcome, run_audit
from stedi_dagster.defs.alerts import record as recording
from stedi_dagster.defs.alerts.record import record
from stedi_dagster.defs.failures import failure
from stedi_dagster.errors import EngineError
from stedi_dagster_tests.alerts.listeners import UI, failing, passing, run, since, written


def tones(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / FOLDER / "outbox.db")) as connection:
        return [tone for (tone,) in connection.execute("SELECT tone FROM alert ORDER BY number")]


def test_a_failed_check_says_which_where_how_bad_how_many_since_when_and_in_which_run(instance, told):
    run_id = run(instance, failing(rows=1234), passing("contract"))
    [(subject, body)] = told()
    assert subject == "[STEDI] consent fails on customer_trusted"
    assert body.splitlines() == [
        "Check: consent",
        "Table: customer_trusted",
        "Severity: ERROR",
        "Found: There are rows that nobody agreed to. 1,234 rows without consent",
        f"Failing since: {since(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION)}",
        f"Run: {UI}/runs/{run_id}",
    ]


def test_what_stays_failed_is_told_once_and_its_recovery_once(instance, told):
    first = run(instance, failing(rows=3))
    assert len(told()) == 1
    run(instance, failing(rows=3))
    run(instance, failing(rows=99))
    assert told() == []
    last = run(instance, passing())
    [(subject, body)] = told()
    assert subject == "[STEDI] consent passes again on customer_trusted"
    failed = since(instance, first, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert body.splitlines()[2:] == [f"Had been failing since: {failed}", f"Run: {UI}/runs/{last}"]
    run(instance, passing())
    assert told() == []
    run(instance, failing())
    assert len(told()) == 1


def test_two_checks_of_one_run_are_one_alert_and_the_same_check_on_two_tables_is_told_apart(instance, told):
    run_id = run(instance, failing(), failing("contract"))
    run(instance, failing(), table="customers_curated")
    (subject, body), (other, _) = told()
    assert subject == "[STEDI] consent fails on customer_trusted, and 1 more"
    assert other == "[STEDI] consent fails on customers_curated"
    assert [line for line in body.splitlines() if line.startswith("Check: ")] == ["Check: consent", "Check: contract"]
    assert body.count(run_id) == 1
    run(instance, passing())
    assert [subject for subject, _ in told()] == ["[STEDI] consent passes again on customer_trusted"]


def test_a_warning_of_a_run_that_succeeds_is_told_and_again_when_it_becomes_an_error(instance, told):
    run(instance, failing(severity="WARN"))
    [(subject, body)] = told()
    assert subject == "[STEDI] consent warns on customer_trusted"
    assert "Severity: WARN" in body
    run(instance, failing(severity="ERROR"))
    assert [subject for subject, _ in told()] == ["[STEDI] consent fails on customer_trusted"]
    run(instance, failing(severity="WARN"))
    run(instance, failing(severity="ERROR"))
    assert told() == []


def test_a_check_that_could_not_run_is_told_with_the_class_of_the_error(instance, told):
    from pyspark.errors import PySparkException

    def audit() -> Outcome:
        raise PySparkException("quoting zwiebelfisch@example.com")

    run(instance, run_audit("consent", audit))
    [(_, body)] = told()
    assert "Found: The audit could not run: PySparkException.\n" in body
    assert "zwiebelfisch" not in body


def test_a_table_that_is_not_published_because_of_its_check_is_told_by_the_check_alone(instance, told):
    run(instance, failing())
    assert len(told()) == 1


def test_a_table_that_its_check_keeps_back_works_again_only_when_it_is_published(instance, told):
    first = run(instance, error=failure(EngineError("The engine is gone.")))
    assert [subject for subject, _ in told()] == ["[STEDI] failed: customer_trusted"]
    run(instance, failing())
    assert [subject for subject, _ in told()] == ["[STEDI] consent fails on customer_trusted"]
    run(instance, passing(), failing("contract"))
    assert [subject for subject, _ in told()] == [
        "[STEDI] consent passes again on customer_trusted",
        "[STEDI] contract fails on customer_trusted",
    ]
    run(instance, passing("contract"))
    [(subject, body)] = told()
    assert subject == "[STEDI] contract passes again on customer_trusted, and 1 more"
    failed = since(instance, first, dg.DagsterEventType.STEP_FAILURE)
    assert f"Step: customer_trusted\nHad been failing since: {failed}" in body


def test_a_subject_has_room_in_sns(instance, told):
    run(instance, failing("c" * 90), table="t" * 90)
    [(subject, _)] = told()
    assert len(subject) == 100
    assert subject.endswith("...")


def test_the_first_time_only_what_fails_now_is_told(instance, outbox, tmp_path):
    run(instance, failing("over"))
    run(instance, passing("over"))
    first = run(instance, failing("stays"))
    run(instance, failing("stays", rows=5))
    record(outbox, instance, UI)
    assert [subject for subject, _ in written(tmp_path)] == ["[STEDI] stays fails on customer_trusted"]
    [change] = outbox.failing()
    assert (change.ending.check, moment(change.since)) == (
        "stays",
        since(instance, first, dg.DagsterEventType.ASSET_CHECK_EVALUATION),
    )


def test_many_runs_are_caught_up_with_in_order(instance, told, monkeypatch):
    monkeypatch.setattr(recording, "_AT_A_TIME", 2)
    for number in range(5):
        run(instance, failing(f"check_{number}"))
    assert [subject.split()[1] for subject, _ in told()] == [f"check_{number}" for number in range(5)]


def test_a_process_that_dies_while_it_records_loses_nothing_and_repeats_nothing(instance, told, outbox, monkeypatch):
    run(instance, failing())
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "move", lambda _positions: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            record(outbox, instance, UI)
    assert len(told()) == 1
    assert told() == []


def test_processes_that_record_at_once_record_once(instance, told, tmp_path):
    for number in range(3):
        run(instance, failing(f"check_{number}"))

    def recording_process(_number: int) -> None:
        with open_outbox(tmp_path) as outbox:
            record(outbox, instance, UI)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(recording_process, range(4)))
    assert len(told()) == 3


def test_what_stedi_audit_finds_is_told_once_and_its_recovery_too(instance, told):
    def asked(*, passed: bool) -> None:
        key = dg.AssetKey("customer_trusted")
        severity = dg.AssetCheckSeverity.ERROR
        metadata = {"rows": 3}
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(key, "standing_consent", passed=passed, severity=severity, metadata=metadata)
        )

    asked(passed=False)
    asked(passed=False)
    [(subject, body)] = told()
    assert subject == "[STEDI] standing_consent fails on customer_trusted"
    assert "Found: 3 rows\n" in body
    assert body.splitlines()[-1] == f"Checks: {UI}/assets/customer_trusted"
    asked(passed=False)
    assert told() == []
    asked(passed=True)
    [(subject, _)] = told()
    assert subject == "[STEDI] standing_consent passes again on customer_trusted"
    assert told() == []


def test_an_alert_is_as_loud_as_the_worst_that_it_tells(instance, told, tmp_path):
    run(instance, failing(severity="WARN"), failing("contract"))
    run(instance, failing("slow", severity="WARN"), table="customers_curated")
    run(instance, passing(), passing("contract"))
    subjects = [subject for subject, _ in told()]
    assert subjects == [
        "[STEDI] contract fails on customer_trusted, and 1 more",
        "[STEDI] slow warns on customers_curated",
        "[STEDI] consent passes again on customer_trusted, and 1 more",
    ]
    assert tones(tmp_path) == ["failure", "warning", "success"]


def test_what_a_run_had_judged_at_its_end_is_told_with_the_run(instance, told):
    def judged(run_id: str, *, passed: bool) -> None:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                dg.AssetKey("customer_trusted"),
                "standing_consent",
                passed=passed,
                metadata={"rows": 1, "judged_by": dg.MetadataValue.dagster_run(run_id)},
            )
        )

    first = run(instance, failing())
    judged(first, passed=False)
    [(subject, body)] = told()
    assert subject == "[STEDI] consent fails on customer_trusted, and 1 more"
    assert "Check: standing_consent\nTable: customer_trusted\nSeverity: ERROR\nFound: 1 row\n" in body
    assert body.splitlines()[-1] == f"Run: {UI}/runs/{first}"
    second = run(instance, passing())
    judged(second, passed=True)
    [(subject, body)] = told()
    assert subject == "[STEDI] consent passes again on customer_trusted, and 1 more"
    assert body.splitlines()[-1] == f"Run: {UI}/runs/{second}"


def test_audits_that_go_to_and_fro_are_told_in_their_order(instance, told):
    for passed in (False, True, False):
        key = dg.AssetKey("customer_trusted")
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(key, "standing_consent", passed=passed))
    assert [subject.split()[2] for subject, _ in told()] == ["fails", "passes", "fails"]


def test_alerts_that_a_former_version_left_are_still_sent(tmp_path):
    with open_outbox(tmp_path) as outbox:
        outbox.register({"key": "somebody"})
        outbox.put([Message("[STEDI] before", "It was before.")])
    with closing(sqlite3.connect(tmp_path / FOLDER / "outbox.db")) as connection:
        connection.executescript("ALTER TABLE alert DROP COLUMN tone; PRAGMA user_version = 1;")
    with open_outbox(tmp_path) as outbox:
        assert outbox.next_for("key") == (1, Message("[STEDI] before", "It was before.", Tone.INFO))
