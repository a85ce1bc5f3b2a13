"""`stedi run`, `stedi generate`, `stedi settings`, --help and exit codes."""

import json
import re
import subprocess
import sys
import uuid

import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster_tests.command import parsed
from stedi_dagster_tests.scenario import Scenario, customer, reading, step

COMMANDS = ("generate", "run", "audit", "report", "tables", "quarantine", "forget", "sql", "alerts", "settings", "ui")


def test_help_names_every_command(stedi):
    result = stedi("--help")
    assert result.exit_code == 0
    assert all(command in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(stedi, command):
    result = stedi(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
    assert len(result.stdout) > 100


def test_a_command_that_does_not_exist_is_a_usage_error(stedi):
    assert stedi("publish").exit_code == 2
    assert stedi("run", "--no-such-option").exit_code == 2


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    scenario = Scenario(tmp_path)
    scenario.land("customer", customer(), customer("bob@example.com", agreed=None))
    scenario.land("accelerometer", reading(), reading("bob@example.com"))
    scenario.land("step_trainer", step(), step())
    return scenario


def test_a_run_tells_as_json_what_it_did_with_every_table(stedi, scenario):
    told = parsed(stedi("run", "--json", home=scenario.home, landing=scenario.landing))
    assert set(told) == {"run_id", "success", "tables", "releases"}
    assert told["success"] is True
    uuid.UUID(told["run_id"])
    lines = {line["table"]: line for line in told["tables"]}
    assert list(lines) == list(TABLES)
    for table, line in lines.items():
        assert line["state"] == "published"
        assert line["rows"] == len(scenario.rows(table))
        assert line["failed"] == line["warned"] == []
        assert {"contract", "reconciliation"} <= set(line["passed"])
        assert line["seconds"] > 0
        assert line["error"] is None
        snapshot = scenario.lakehouse().table(table)
        assert snapshot is not None
        assert line["snapshot_id"] == str(snapshot.metadata.current_snapshot_id)
    assert lines["customer_trusted"]["withheld"] == {"no consent to research": 1}
    assert lines["step_trainer_trusted"]["withheld"] == {"duplicate": 1}
    again = parsed(stedi("run", "--json"))
    assert {line["state"] for line in again["tables"]} == {"unchanged"}


def test_a_run_tells_people_in_a_table_what_it_did(stedi, scenario):
    result = stedi("run", home=scenario.home, landing=scenario.landing)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    shown = {line.split()[0]: line for line in lines if line.split() and line.split()[0] in TABLES}
    assert list(shown) == list(TABLES)
    assert "1 no consent to research" in shown["customer_trusted"]
    assert "6 passed" in shown["customer_trusted"]
    # Nobody looks at a bar in a pipe: there, each thing that happens is a line with its time.
    said = [
        re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC +\d+\.\d\d s  (.+)", line)
        for line in result.stderr.splitlines()
    ]
    assert all(said)
    told = [line[1] for line in said if line]
    assert (told[0], told[-1]) == ("starting", "finishing")
    # A table is named when its work begins, and never before: each beginning is followed by its end.
    assert set(told[1:-1:2]) == set(TABLES)
    assert [line.split(":")[0] for line in told[2:-1:2]] == told[1:-1:2]
    assert "customer_landing: published, 2 rows" in told
    # The UI shows it, and knows whose run it is.
    with dg.DagsterInstance.from_config(str(scenario.home / "dagster")) as instance:
        [run] = instance.get_runs()
        assert run.is_success
        assert instance.get_latest_materialization_event(dg.AssetKey("customer_trusted")) is not None
        assert instance.telemetry_enabled is False
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.job_name == "everything"
    origin = run.remote_job_origin.repository_origin
    assert origin.get_label() == run.tags[".dagster/repository"] == "__repository__@stedi_dagster.definitions"
    assert f"The tables are in {scenario.home}/warehouse" in result.stdout
    assert "http://127.0.0.1:3000" in result.stdout


def test_a_run_that_publishes_not_everything_exits_with_1_and_says_why(stedi, scenario):
    scenario.land_text("accelerometer", "{\n" * 9, name="broken.json")
    result = stedi("run", "--json", home=scenario.home, landing=scenario.landing)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["success"] is False
    lines = {line["table"]: line for line in told["tables"]}
    broken = lines["accelerometer_landing"]
    assert broken["state"] == "not published"
    assert broken["failed"] == ["quarantine"]
    assert "quarantine" in broken["error"]
    assert "the limit is 5.00%" in broken["findings"]["quarantine"]
    assert "in accelerometer/landing/broken.json" in broken["findings"]["quarantine"]
    assert lines["customer_trusted"]["state"] == "published"
    assert lines["customers_curated"] == {
        "table": "customers_curated",
        "state": "skipped",
        "made": None,
        "why": None,
        "rows_added": None,
        "bytes_read": None,
        "rows_taken_out": None,
        "rows": None,
        "withheld": {},
        "passed": [],
        "warned": [],
        "failed": [],
        "findings": {},
        "seconds": None,
        "snapshot_id": None,
        "error": None,
    }
    result = stedi("run")
    assert result.exit_code == 1
    assert "quarantine failed" in result.stdout
    assert "accelerometer_landing: accelerometer_landing is not published" in result.stdout
    assert "accelerometer_landing, quarantine: " in result.stdout


def test_a_run_accepts_feeds_that_are_smaller_and_only_those_that_there_are(stedi, scenario):
    assert stedi("run", home=scenario.home, landing=scenario.landing).exit_code == 0
    for feed in ("accelerometer", "step_trainer"):
        scenario.land_text(feed, "")
    refused = stedi("run", "--accept-volume", "accelerometer")
    assert refused.exit_code == 1
    assert "step_trainer_landing, volume: The feed is empty" in refused.stdout
    assert "accelerometer_landing, volume" not in refused.stdout
    assert stedi("run", "--accept-volume", "accelerometer", "--accept-volume", "step_trainer").exit_code == 0
    for option, named, name, known in (
        ("--full-refresh", "TABLE", "participants", TABLES),
        ("--accept-volume", "--accept-volume", "steps", [feed.name for feed in FEEDS.values()]),
    ):
        refused = stedi("run", option, name)
        assert refused.exit_code == 2
        assert all(one in refused.stderr for one in (named, name, *known))


def test_a_full_refresh_makes_all_tables_or_those_that_are_named_and_what_is_made_of_them(stedi, scenario):
    def published(*arguments: str) -> set[str]:
        lines = parsed(stedi("run", "--json", *arguments))["tables"]
        return {line["table"] for line in lines if line["state"] == "published"}

    assert stedi("run", home=scenario.home, landing=scenario.landing).exit_code == 0
    assert published() == set()
    assert published("--full-refresh") == set(TABLES)
    assert published("--full-refresh", "customers_curated") == {
        "customers_curated",
        "step_trainer_trusted",
        "machine_learning_curated",
    }
    refused = stedi("run", "customers_curated")
    assert refused.exit_code == 2
    assert "Tables are named with --full-refresh" in refused.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["run"],
        ["run", "--json"],
        ["audit"],
        ["report"],
        ["tables"],
        ["forget", "ann@example.com"],
        ["sql", "SELECT 1"],
        ["alerts"],
        ["settings"],
    ],
)
def test_a_wrong_setting_stops_every_command_before_anything_starts(stedi, tmp_path, command):
    result = stedi(*command, home=tmp_path / "home", engine="duckdb")
    assert result.exit_code == 2
    assert "STEDI_ENGINE='duckdb' is not allowed" in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "home").exists()


def test_settings_are_listed_with_their_values(stedi, tmp_path):
    rows = {row["setting"]: row for row in parsed(stedi("settings", "--json", home=tmp_path, preset="as-of"))}
    assert rows["STEDI_HOME"]["value"] == str(tmp_path)
    assert rows["STEDI_WAREHOUSE"]["value"] == f"{tmp_path}/warehouse"
    assert rows["STEDI_CONSENT"]["value"] == "as_of"
    assert all(row["meaning"] for row in rows.values())


def test_settings_show_no_secret(stedi, tmp_path):
    result = stedi("settings", home=tmp_path, alert_urls="json://h/geheim")
    assert result.exit_code == 0
    assert "set, and not shown" in result.stdout
    assert "geheim" not in result.output


def test_sample_data_is_made_once_and_never_over_other_data(stedi, tmp_path):
    made = stedi("generate", str(tmp_path / "landing"), "--scale", "0.005", "--quirks")
    assert made.exit_code == 0, made.output
    assert "customer/landing" in made.stderr
    assert made.stdout == ""
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "landing").rglob("*")}
    again = stedi("generate", str(tmp_path / "landing"))
    assert again.exit_code == 2
    assert str(tmp_path / "landing") in again.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "landing").rglob("*")} == files
    assert stedi("generate", str(tmp_path / "other"), "--scale", "-1").exit_code == 2


def test_the_installed_command_prints_nothing_but_json_and_exits_like_this_one(scenario):
    environment = {
        "STEDI_HOME": "home",
        "STEDI_LANDING": "landing",
        "PATH": "/usr/bin:/bin",
        "PYTHONWARNINGS": "default",
    }
    command = [sys.executable, "-c", "from stedi_dagster.cli import main; main()"]

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *arguments], cwd=scenario.folder, env=environment, capture_output=True, text=True, check=False
        )

    done = run("run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["success"] is True
    assert (scenario.home / "catalog.db").exists()
    failed = run("sql", "SELEC 1")
    assert failed.returncode == 2
    assert failed.stderr.startswith("stedi: The query failed")
    assert failed.stdout == ""
