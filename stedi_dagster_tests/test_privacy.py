"""Nothing personal where it does not belong: every byte that Dagster, the console and the tables' metadata hold."""

import os
import re
import sqlite3
import subprocess
import sys
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stedi_dagster_tests.lakehouse.builders import unpacked
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

pytestmark = pytest.mark.long

# Everybody here is called, and has, something with one of these in it; no word of the platform has.
SECRETS = [b"zwiebelfisch", b"quarkstrudel", b"90817263", b"1961-11-23", b"0xfeedbeef"]
_SECRET = re.compile(b"|".join(map(re.escape, SECRETS)), re.IGNORECASE)

# `stedi run`, with an engine that quotes what it worked on, as engines do.
QUOTING = """
from dataclasses import replace
from pyspark.sql import functions as F
from stedi_dagster.defs.assets import curated, table_asset
from stedi_dagster.audits.gate import people
from stedi_dagster.drafts.tables import draft_table
from stedi_dagster.cli import main

TABLE = {table!r}

def quoting(frame):
    return frame.withColumn(frame.columns[0], F.raise_error(F.concat_ws(" ", F.lit("cannot cast"), *frame.columns)))

def draft(run, plan, inputs):
    select = plan.select
    def selecting(policy, **frames):
        selection = select(policy=policy, **frames)
        return replace(selection, kept=quoting(selection.kept))
    return draft_table(run, replace(plan, select=selecting) if plan.contract.table() == TABLE else plan, inputs)

for module in (table_asset, curated):
    module.draft_table = draft
if TABLE == "audit":
    people.audit_unique_person = lambda content: quoting(content).collect()
main()
"""


def zoe(number: int, **more: Any) -> dict[str, Any]:
    """A customer who is nobody else."""
    person = {
        "customerName": f"Zoe Quarkstrudel {number}",
        "phone": f"90817263{number}",
        "birthDay": "1961-11-23",
        "serialNumber": f"0xFEEDBEEF-{number}",
    }
    return customer(f"Zwiebelfisch{number}@Example.com", **{**person, **more})


def land(scenario: Scenario) -> None:
    """Good data, with all that is withheld, re-delivered, ambiguous or unreadable."""
    people = [zoe(number, agreed=None if number % 3 == 0 else T0) for number in range(30)]
    readings = [reading(person["email"], T0 + at) for person in people for at in (1, 2, 2)]
    steps = [step(person["serialNumber"], T0 + at) for person in people for at in (1, 2, 3, 3)]
    scenario.land("customer", *people, zoe(31, birthDay="1961-11-23 or so"), zoe(40, unknown=1))
    scenario.land("customer", zoe(41, serialNumber="0xFEEDBEEF-1"), name="odd {name}.json")
    scenario.land("accelerometer", *readings, reading("zwiebelfisch@nobody.example"))
    scenario.land("step_trainer", *steps)
    scenario.land_text("customer", '{"email": "zwiebelfisch-broken@example.com", "phone": "90817263"', name="cut.json")
    scenario.land_text("accelerometer", "{", name="of zwiebelfisch@example.com.json")
    scenario.land_text("accelerometer", '{"user": ["zwiebelfisch"], "timestamp": "quarkstrudel"}', name="types.json")
    scenario.land_text("step_trainer", b'{"serialNumber": "0xfeedbeef\xff"}\n\x00quarkstrudel', name="bytes.json")


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


def bytes_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file's bytes, and what its compressed parts hold."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix == ".db":
                yield from ((path, value) for value in packed_values(path))


def packed_values(database: Path) -> Iterator[bytes]:
    with sqlite3.connect(database) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (zlib.decompress(value) for value in row if isinstance(value, bytes) and value[:1] == b"x")


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
