"""Delivery: at least once, in order, over restarts, to each destination by itself; and no secret kept or told."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from filelock import FileLock

from stedi_dagster.alerts import deliver as delivering
from stedi_dagster.alerts import destinations as sending
from stedi_dagster.alerts import outbox as keeping
from stedi_dagster.alerts.outbox import FOLDER, Outbox, open_outbox
from stedi_dagster.errors import StediError
from stedi_dagster_tests.alerts.listeners import AGAIN, FAILS, failing, passing, run
from stedi_dagster_tests.ports import free_port


def test_an_alert_reaches_a_webhook_with_its_subject_and_its_lines(instance, hook, round_of):
    run_id = run(instance, failing())
    assert round_of(ui_url="https://dagster.example/").sent == 1
    [alert] = hook.took
    assert alert["title"] == FAILS
    assert "Found: There are rows that nobody agreed to. 3 rows without consent\n" in alert["message"]
    assert alert["type"] == "failure"
    assert alert["message"].endswith(f"Run: https://dagster.example/runs/{run_id}")


def test_a_webhook_that_fails_gets_everything_in_order_when_it_comes_back(instance, hook, round_of):
    hook.status = 500
    run(instance, failing())
    delivery = round_of()
    assert delivery.sent == 0
    assert delivery.problems == ["1 alert waits for json (URL 1): it answered 500."]
    run(instance, passing(), failing("contract"))
    run(instance, passing("contract"))
    assert round_of().problems == ["4 alerts wait for json (URL 1): it answered 500."]
    assert hook.took == []
    hook.status = 200
    assert round_of() == delivering.Delivery(4, [])
    contract = ["[STEDI] contract fails on customer_trusted", "[STEDI] contract passes again on customer_trusted"]
    assert hook.subjects == [FAILS, AGAIN, *contract]
    assert round_of().sent == 0


def test_a_webhook_that_is_down_does_not_hold_up_another(instance, hook, other, round_of):
    hook.status = 503
    both = f"{hook.url} {other.url}"
    round_of(alert_urls=both)
    run(instance, failing())
    run(instance, passing())
    delivery = round_of(alert_urls=both)
    assert other.subjects == [FAILS, AGAIN]
    assert delivery.problems == ["2 alerts wait for json (URL 1): it answered 503."]
    hook.status = 200
    round_of(alert_urls=both)
    assert hook.subjects == other.subjects == [FAILS, AGAIN]


def test_a_destination_that_does_not_answer_is_given_up_in_time(instance, hook, round_of, monkeypatch):
    monkeypatch.setattr(sending, "TIME_LIMIT", 0.2)
    hook.waits_for = Event()
    run(instance, failing())
    assert round_of().problems == ["1 alert waits for json (URL 1): no answer within 0.2 s."]


def test_another_destination_does_not_wait_for_one_that_takes_its_time(instance, hook, other, round_of, monkeypatch):
    monkeypatch.setattr(sending, "TIME_LIMIT", 100)
    hook.waits_for = other.heard
    run(instance, failing())
    assert round_of(alert_urls=f"{hook.url}, {other.url}") == delivering.Delivery(2, [])


def test_a_destination_that_nobody_listens_at_is_told(instance, round_of):
    run(instance, failing())
    nobody = f"json://user:geheim@127.0.0.1:{free_port()}/secret"
    assert round_of(alert_urls=nobody).problems == ["1 alert waits for json (URL 1): the connection failed."]


def test_the_sensor_waits_longer_after_each_failure_and_tries_for_ever(instance, hook, round_of, monkeypatch):
    now = float(int(time.time()))  # whole, so that the pauses add up
    monkeypatch.setattr(time, "time", lambda: now)
    hook.status = 400
    run(instance, failing())
    assert len(round_of(at_once=False).problems) == 1
    for tried, pause in enumerate([30, 60, 120, 240, 480, 900, 900], start=1):
        for seconds, refused in ((pause - 1, tried), (1, tried + 1)):
            now += seconds
            assert len(round_of(at_once=False).problems) == 1
            assert hook.refused == refused
    hook.status = 200
    now += 900
    assert round_of(at_once=False).sent == 1


def test_a_process_that_dies_after_sending_sends_again(instance, hook, round_of, monkeypatch):
    run(instance, failing())

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "note_sent", die)
        with pytest.raises(KeyboardInterrupt):
            round_of()
    round_of()
    assert hook.subjects == [FAILS, FAILS]
    round_of()
    assert len(hook.took) == 2


def test_processes_at_once_send_each_alert_once(instance, hook, round_of):
    for number in range(5):
        run(instance, failing(f"check_{number}"))
    hook.seconds = 0.05
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _number: round_of(), range(4)))
    assert [subject.split()[1] for subject in hook.subjects] == [f"check_{number}" for number in range(5)]
    assert sum(each.sent for each in rounds) == 5


def test_what_another_process_is_sending_is_left_to_it(instance, hook, round_of, settings, monkeypatch):
    monkeypatch.setattr(delivering, "_FOR_ANOTHER_PROCESS", 0.1)
    run(instance, failing())
    with open_outbox(settings.home) as outbox:
        lock = settings.home / FOLDER / f"{outbox.key_of(hook.url)}.lock"
    with FileLock(lock):
        assert round_of().problems == ["1 alert waits for json (URL 1): it has not been tried yet."]
    assert round_of().sent == 1
    assert hook.subjects == [FAILS]


def test_a_new_destination_is_told_what_comes(instance, hook, other, round_of):
    run(instance, failing())
    round_of()
    run(instance, passing())
    round_of(alert_urls=f"{hook.url} {other.url}")
    assert hook.subjects == [FAILS, AGAIN]
    assert other.subjects == [AGAIN]


def test_a_url_with_a_new_token_gets_what_waited_for_the_one_it_replaces(instance, hook, other, round_of):
    round_of()
    hook.status = 401
    run(instance, failing())
    round_of()
    round_of(alert_urls=other.url)
    assert other.subjects == [FAILS]


def test_a_process_with_other_destinations_takes_nothing_from_this_one(instance, hook, other, round_of):
    round_of()
    run(instance, failing())
    round_of(alert_urls=other.url)
    assert other.subjects == [FAILS]
    round_of()
    assert hook.subjects == [FAILS]


def test_a_destination_that_was_not_set_for_a_week_is_forgotten_and_that_is_told(
    instance, hook, other, round_of, monkeypatch
):
    round_of()
    run(instance, failing())
    round_of(alert_urls=other.url)
    monkeypatch.setattr(keeping, "GONE_AFTER", 0)
    said = "json (URL 1) has not been set for a week and was dropped, with 1 alert waiting for it."
    assert round_of(alert_urls=other.url).problems == [said]
    assert round_of(alert_urls=other.url).problems == []


def test_who_listens_again_after_a_long_time_is_told_what_fails_now(instance, hook, round_of, monkeypatch):
    run(instance, failing())
    round_of()
    run(instance, passing(), failing("contract"))
    monkeypatch.setattr(keeping, "GONE_AFTER", -1)
    other_url = f"{hook.url}?-of=another"
    round_of(alert_urls=other_url)
    assert hook.subjects == [FAILS, "[STEDI] contract fails on customer_trusted"]


def test_what_was_delivered_is_not_kept(instance, hook, round_of, settings):
    run(instance, failing())
    round_of()
    round_of()
    with open_outbox(settings.home) as outbox:
        assert outbox._value("SELECT count(*) FROM alert") == 0


def test_no_secret_of_a_destination_is_kept_or_told(instance, round_of, settings, caplog, capfd):
    run(instance, failing())
    secret = f"json://user:geheim@127.0.0.1:{free_port()}/geheim?+X-Token=geheim"
    delivery = round_of(alert_urls=secret)
    assert delivery.problems
    shown = [*delivery.problems, caplog.text, *capfd.readouterr(), repr(sending.destinations_of(settings))]
    assert not any("geheim" in text or "/hook" in text for text in shown)
    files = [path for path in (settings.home / FOLDER).rglob("*") if path.is_file()]
    assert files
    assert not any(b"geheim" in path.read_bytes() or b"geheim" in path.name.encode() for path in files)


def test_a_damaged_outbox_is_one_clear_sentence(instance, round_of, settings):
    round_of()
    (settings.home / FOLDER / "outbox.db").write_bytes(b"damaged" * 99)
    with pytest.raises(StediError, match=r"The alerts in .*/alerts cannot be read or written \(DatabaseError\)"):
        round_of()
