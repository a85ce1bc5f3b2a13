"""`stedi alerts` and `stedi alerts test`."""

import pytest

from stedi_dagster_tests.alerts.listeners import webhook
from stedi_dagster_tests.command import parsed
from stedi_dagster_tests.ports import free_port
from stedi_dagster_tests.scenario import Scenario, customer


def test_every_destination_is_tried_and_one_that_fails_is_named(stedi, tmp_path):
    with webhook() as hook:
        dead = f"json://user:geheim@127.0.0.1:{free_port()}/geheim"
        result = stedi("alerts", "test", home=tmp_path, alert_urls=f"{hook.url} {dead}")
        assert result.exit_code == 1
        lines = [line.split(maxsplit=3) for line in result.stdout.splitlines()[1:]]
        assert [(name, number, said.strip()) for name, _, number, said in lines] == [
            ("json", "1)", "sent"),
            ("json", "2)", "the connection failed"),
        ]
        assert "geheim" not in result.output
        [alert] = hook.took
        assert alert["title"] == "[STEDI] test"
        assert stedi("alerts", "test", "--json", alert_urls=hook.url).exit_code == 0


def test_a_test_without_a_destination_is_refused(stedi, tmp_path):
    result = stedi("alerts", "test", home=tmp_path)
    assert result.exit_code == 2
    assert "set STEDI_ALERT_URLS or STEDI_ALERT_TOPIC_ARN" in result.stderr


def test_nothing_is_listed_where_nothing_was(stedi, tmp_path):
    assert parsed(stedi("alerts", "--json", home=tmp_path)) == {"destinations": [], "failing": []}
    assert stedi("alerts").stdout.splitlines() == ["No alert was ever due.", "Nothing is failing."]


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    scenario = Scenario(tmp_path)
    scenario.land("customer", customer())
    scenario.land_text("accelerometer", "{\n" * 9)
    return scenario


def test_what_waits_and_what_fails_is_listed_and_a_run_says_what_it_could_not_send(stedi, scenario):
    with webhook() as hook:
        hook.status = 500
        result = stedi("run", home=scenario.home, landing=scenario.landing, alert_urls=hook.url)
        assert result.exit_code == 1
        assert "stedi: 1 alert waits for json (URL 1): it answered 500. The next `stedi run` tries" in result.stderr
        listed = parsed(stedi("alerts", "--json"))
        [destination] = listed["destinations"]
        assert (destination["waiting"], destination["problem"]) == (1, "it answered 500")
        assert destination["failing_since"].endswith(" UTC")
        [failing] = listed["failing"]
        assert (failing["failing"], failing["of"]) == ("check quarantine", "accelerometer_landing")
        assert "9 quarantined" in failing["found"]
        assert "accelerometer_landing" in stedi("alerts").stdout
        hook.status = 200
        assert stedi("run").exit_code == 1
        assert hook.subjects == ["[STEDI] quarantine fails on accelerometer_landing"]
        assert parsed(stedi("alerts", "--json"))["destinations"][0]["waiting"] == 0


def test_a_run_shows_what_it_did_also_where_alerts_cannot_be_kept(stedi, scenario):
    (scenario.home / "alerts").mkdir(parents=True)
    (scenario.home / "alerts" / "outbox.db").write_bytes(b"damaged" * 99)
    with webhook() as hook:
        result = stedi("run", home=scenario.home, landing=scenario.landing, alert_urls=hook.url)
    assert result.exit_code == 1
    assert "quarantine failed" in result.stdout
    assert "stedi: The alerts in " in result.stderr
