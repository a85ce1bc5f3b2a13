"""`stedi run` tells of real violations, over real restarts, and of nobody's data."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from stedi_dagster_tests.alerts.listeners import Webhook
from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.leaks import _SECRET, QUOTING, land
from stedi_dagster_tests.scenario import Scenario

pytestmark = pytest.mark.long

# `stedi run`, with code that keeps one row of a person who has not agreed.
LEAKING = """
from dataclasses import replace
from stedi_dagster.defs.assets import table_asset
from stedi_dagster.drafts.tables import draft_table
from stedi_dagster.cli import main
import stedi_dagster.defs.resources.run

def draft(run, plan, inputs):
    select = plan.select
    def selecting(policy, **frames):
        selection = select(policy=policy, **frames)
        landed = frames["customer_landing"].select(*selection.kept.columns)
        return replace(selection, kept=landed.dropDuplicates(["email"]))
    leaking = plan.contract.table() == "customer_trusted"
    return draft_table(run, replace(plan, select=selecting) if leaking else plan, inputs)

table_asset.draft_table = draft
stedi_dagster.defs.resources.run.code_version = lambda _contract: "leaking"
main()
"""


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    scenario = Scenario(tmp_path)
    land(scenario)
    return scenario


def run_anew(scenario: Scenario, code: str = "", **settings: object) -> "subprocess.CompletedProcess[str]":
    """`stedi run --json` in a process of its own."""
    environment = {"STEDI_HOME": scenario.home, "STEDI_LANDING": scenario.landing, "PATH": os.environ["PATH"]}
    environment |= {f"STEDI_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-c", code or "from stedi_dagster.cli import main; main()", "run", "--json"],
        env={name: str(value) for name, value in environment.items()},
        capture_output=True,
        check=False,
        text=True,
    )


def test_planted_violations_are_told_over_restarts_without_a_word_about_anybody(scenario, hook: Webhook):
    def run(code: str = "", **settings: Any) -> "subprocess.CompletedProcess[str]":
        return run_anew(scenario, code, alert_urls=hook.url, **settings)

    hook.status = 500
    assert run().returncode == 0
    leaked = run(LEAKING)
    assert leaked.returncode == 1
    assert json.loads(leaked.stdout)["success"] is False
    assert "alerts wait for json (URL 1): it answered 500. The next `stedi run` tries again" in leaked.stderr
    assert run(LEAKING).returncode == 1
    quoting = run(QUOTING.format(table="accelerometer_trusted"), preset="as-of")
    assert quoting.returncode == 1
    scenario.land_text("customer", "Zoe Quarkstrudel\n" * 99, name="Zoe Quarkstrudel.json")
    assert run().returncode == 1
    assert hook.took == []
    (scenario.landing / "customer" / "landing" / "Zoe Quarkstrudel.json").unlink()
    hook.status = 200
    assert run().returncode == 0
    assert [(alert["title"], alert["type"]) for alert in hook.took] == [
        ("[STEDI] serial_conflicts warns on customer_trusted, and 1 more", "warning"),
        ("[STEDI] consent fails on customer_trusted, and 1 more", "failure"),
        ("[STEDI] consent passes again on customer_trusted, and 1 more", "success"),
        ("[STEDI] failed: accelerometer_trusted", "failure"),
        ("[STEDI] quarantine fails on customer_landing", "failure"),
        ("[STEDI] quarantine passes again on customer_landing, and 1 more", "success"),
    ]
    told = {alert["title"]: alert["message"] for alert in hook.took}
    leak = told["[STEDI] consent fails on customer_trusted, and 1 more"]
    assert re.search(r"Found: There are rows that nobody agreed to\. \d+ rows? without consent", leak)
    assert "Check: reconciliation" in leak
    assert "The engine failed while computing" in told["[STEDI] failed: accelerometer_trusted"]
    assert json.loads(leaked.stdout)["run_id"] in leak
    assert not _SECRET.search(json.dumps(hook.took).encode())


def test_what_nobody_was_told_of_in_the_run_is_told_when_a_destination_is_set(scenario, hook: Webhook, stedi: Stedi):
    places: dict[str, Any] = {"home": scenario.home, "landing": scenario.landing, "max_bad_share": 0}
    assert stedi("run", **places).exit_code == 1
    shown = stedi("run", alert_urls=hook.url)
    assert shown.exit_code == 1
    assert "stedi: " not in shown.stderr
    [alert] = hook.took
    assert alert["title"] == "[STEDI] quarantine fails on accelerometer_landing, and 2 more"
    assert "Check: quarantine\nTable: customer_landing\n" in alert["message"]
    listed = stedi("alerts", "--json")
    failing = json.loads(listed.stdout)["failing"]
    assert {"check quarantine"} <= {row["failing"] for row in failing if row["of"] == "customer_landing"}
    assert not _SECRET.search(listed.stdout.encode())
