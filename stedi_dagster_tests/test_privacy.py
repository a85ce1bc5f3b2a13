"""Nothing personal where it does not belong: every byte that Dagster, the console and the tables' metadata hold."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster_tests.lakehouse.builders import unpacked
from stedi_dagster_tests.leaks import _SECRET, QUOTING, bytes_below, land, zoe
from stedi_dagster_tests.scenario import T0, Scenario, reading, step

pytestmark = pytest.mark.long


def stedi(
    scenario: Scenario, *arguments: str, code: str = "", **settings: object
) -> "subprocess.CompletedProcess[bytes]":
    environment = {"STEDI_HOME": scenario.home, "STEDI_LANDING": scenario.landing, "PATH": os.environ["PATH"]}
    environment |= {f"STEDI_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-c", code or "from stedi_dagster.cli import main; main()", *arguments],
        env={name: str(value) for name, value in environment.items()},
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, dict[str, tuple[int, bytes]]]:
    """All that runs of every kind said, one after the other in one home: their exit codes and their output."""
    scenario = Scenario(tmp_path_factory.mktemp("privacy"))
    land(scenario)
    runs = {
        "good": stedi(scenario, "run"),
        "good again, as json": stedi(scenario, "run", "--json"),
        "pairs of two people": stedi(scenario, "run", preset="timestamp-match"),
        "too much unreadable": stedi(scenario, "run", max_bad_share=0),
        "an engine error in trusted": stedi(
            scenario, "run", code=QUOTING.format(table="accelerometer_trusted"), preset="as-of"
        ),
        "an engine error in an audit": stedi(scenario, "run", code=QUOTING.format(table="audit")),
        "standing audits that find rows": stedi(scenario, "audit", "--json", max_age=0),
        "a report": stedi(scenario, "report", "-"),
        "a report with findings": stedi(scenario, "report", "-", max_age=0),
        "a report as json": stedi(scenario, "report", "--json"),
    }
    return scenario, {name: (done.returncode, done.stdout + done.stderr) for name, done in runs.items()}


def test_the_runs_were_what_they_are_called(told):
    assert {name: code for name, (code, _) in told[1].items()} == {
        "good": 0,
        "good again, as json": 0,
        "pairs of two people": 0,
        "too much unreadable": 1,
        "an engine error in trusted": 1,
        "an engine error in an audit": 1,
        "standing audits that find rows": 1,
        "a report": 0,
        "a report with findings": 0,
        "a report as json": 0,
    }
    errors = b"".join(output for name, (_, output) in told[1].items() if "engine error" in name)
    assert b"The engine failed while computing accelerometer_trusted" in errors
    assert b"unique_person failed" in errors


def test_the_console_shows_nobody(told):
    for name, (_, output) in told[1].items():
        assert not _SECRET.search(output), name


def test_a_report_shows_nobody_and_not_whose_machine_it_was_made_on(told):
    scenario, runs = told
    for name in ("a report", "a report with findings", "a report as json"):
        _, output = runs[name]
        assert len(output) > 5_000
        assert not _SECRET.search(output), name
        assert str(scenario.folder).encode() not in output
    assert b"not JSON" in runs["a report"][1]


def test_dagsters_events_logs_and_metadata_hold_nobody(told):
    scenario, _ = told
    everything = list(bytes_below(scenario.home / "dagster"))
    assert sum(len(content) for _, content in everything) > 500_000
    assert any(
        b"accelerometer_trusted is not published" in content or b"computing" in content for _, content in everything
    )
    for path, content in everything:
        found = _SECRET.search(content)
        assert not found, (path, content[max(0, found.start() - 300) : found.end() + 300])


def test_the_metadata_and_the_manifests_of_the_tables_hold_nobody(told):
    scenario, _ = told
    files = [path for path in (scenario.home / "warehouse").rglob("*") if path.suffix in {".avro", ".json"}]
    assert len(files) > 50
    for path in files:
        assert not _SECRET.search(unpacked(path)), path


def test_the_catalog_and_the_locks_note_hold_nobody(told):
    scenario, _ = told
    for name in ("catalog.db", "lakehouse.holder"):
        assert not _SECRET.search((scenario.home / name).read_bytes())


def test_data_scientists_see_nobody_in_machine_learning_curated(told):
    scenario, _ = told
    rows = scenario.rows("machine_learning_curated")
    assert len(rows) > 20
    assert not _SECRET.search(repr(rows).encode())
    table = scenario.lakehouse().table("machine_learning_curated")
    assert table is not None
    for task in table.scan().plan_files():
        assert not _SECRET.search(Path(task.file.file_path).read_bytes())


def test_who_asks_for_data_is_shown_it(told):
    scenario, _ = told
    assert b"quarkstrudel" in stedi(scenario, "quarantine").stdout


def test_the_token_of_an_engine_is_shown_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("STEDI_ENGINE", "sc://engine.example:443/;token=quarkstrudel")
    scenario = Scenario(tmp_path)
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        # Nothing is published that could be read, so that the engine is never asked for.
        result = scenario.run(instance, job="trusted")
        assert not result.success
    for path, content in bytes_below(tmp_path):
        assert not _SECRET.search(content), path


def numbers(scenario: Scenario) -> dict[str, str]:
    return dict(scenario.query("SELECT email, participantId FROM participants"))


def test_a_participants_number_is_kept_from_run_to_run_under_every_preset(tmp_path):
    scenario = Scenario(tmp_path)
    scenario.land("customer", zoe(1), zoe(2))
    scenario.land("accelerometer", *(reading(f"zwiebelfisch{number}@example.com") for number in (1, 2)))
    scenario.land("step_trainer", *(step(f"0xFEEDBEEF-{number}") for number in (1, 2)))
    assert scenario.run().success
    first = numbers(scenario)
    assert len(set(first.values())) == 2
    assert all(uuid.UUID(number).version == 4 for number in first.values())
    # A record that cannot be read may be a withdrawal, and ends the number as one does.
    scenario.settings["max_bad_share"] = 0.5
    unclear = {**zoe(2, lastUpdateDate=T0 + 5), "shareWithResearchAsOfDate": "never"}
    scenario.land("customer", unclear, zoe(3), name="later.json")
    scenario.land("accelerometer", reading("zwiebelfisch3@example.com"), name="later.json")
    assert scenario.run(preset="timestamp-match").success
    second = numbers(scenario)
    one, two, three = (f"zwiebelfisch{number}@example.com" for number in (1, 2, 3))
    assert second.keys() == {one, three}
    assert second[one] == first[one]
    scenario.land("customer", zoe(2, lastUpdateDate=T0 + 9), name="back.json")
    assert scenario.run(preset="as-of").success
    third = numbers(scenario)
    assert third.items() > second.items()
    assert third[two] != first[two]
    published = scenario.query("SELECT DISTINCT participantId FROM machine_learning_curated")
    assert {number for (number,) in published} == {third[one], third[two]}


def test_a_participants_number_is_no_function_of_the_person(tmp_path):
    found = []
    for home in ("one", "other"):
        scenario = Scenario(tmp_path / home)
        scenario.land("customer", zoe(1))
        scenario.land("accelerometer", reading("zwiebelfisch1@example.com"))
        scenario.land("step_trainer", step("0xFEEDBEEF-1"))
        assert scenario.run().success
        found.append(numbers(scenario))
    assert found[0].keys() == found[1].keys()
    assert found[0] != found[1]
