"""`stedi forget` and the job `forget`: how a person is named, which key is used, and that nothing tells of anybody."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.storage.local import LocalStorage
from stedi_dagster_tests.defs.assets.builders import contents, failure
from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    NAME,
    PHONE,
    SERIAL,
    ZOE,
    bytes_of,
    digest,
    forget,
    land_zoe_and_bob,
    numbers,
    standing,
    stedi,
    verify,
)
from stedi_dagster_tests.leaks import bytes_below
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.scenario import Scenario, reading

KEY, OTHER_KEY = "k" * 40, "another key that is long enough, too"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Published:
    scenario = land_zoe_and_bob(Scenario(tmp_path_factory.mktemp("command") / "world"))
    scenario.land("accelerometer", reading(ZOE), name=f"{ZOE}.json")
    return Published(scenario)


@pytest.fixture
def scenario(once: Published) -> Scenario:
    return once.restored()


def run_job(scenario: Scenario, whom: str, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    job = build_defs(scenario.load_settings()).resolve_job_def("forget")
    config = {"ops": {"forget_person": {"config": {"digest": whom}}}}
    return job.execute_in_process(
        run_config=config, raise_on_error=False, instance=instance or dg.DagsterInstance.ephemeral()
    )


@pytest.mark.parametrize("typed", [f"{ZOE}\n", f"  {ZOE.upper()} \r\n", ZOE])
def test_the_address_is_read_from_a_pipe(scenario, typed):
    assert stedi(scenario, "forget", "--yes", pipe=typed).exit_code == 0
    assert "participants" in contents(scenario)
    assert ZOE not in numbers(scenario)


@pytest.mark.parametrize(
    ("pipe", "sentence"),
    [
        ("", "has no @"),
        ("\n", "has no @"),
        ("Zoe Quarkstrudel\n", "has no @"),
        (f"{ZOE}\n{BOB}\n", "one address at a time"),
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(scenario, pipe, sentence):
    before = bytes_of(scenario.folder)
    told = stedi(scenario, "forget", "--yes", pipe=pipe)
    assert told.exit_code == 2
    assert sentence in told.stderr
    assert "quarkstrudel" not in told.output.lower()
    assert ZOE not in told.output
    assert bytes_of(scenario.folder) == before


def test_where_nobody_can_be_asked_it_takes_a_yes(scenario):
    before = bytes_of(scenario.folder)
    told = stedi(scenario, "forget", pipe=ZOE)
    assert (told.exit_code, "give --yes" in told.stderr) == (2, True)
    assert bytes_of(scenario.folder) == before


@pytest.mark.parametrize(
    ("email", "said"),
    [
        (ZOE, r"Found: \d+ rows in tables, \d+ records in raw files"),
        ("wrong@example.com", "Nothing about this person was found"),
    ],
)
def test_who_is_asked_is_told_what_there_is(scenario, email, said):
    before = bytes_of(scenario.folder)
    master, slave = os.openpty()
    os.write(master, b"n\n")
    answered = subprocess.run(
        [sys.executable, "-c", "from stedi_dagster.cli import main; main()", "forget", email],
        env={
            "PATH": os.environ["PATH"],
            "STEDI_HOME": str(scenario.home),
            "STEDI_LANDING": str(scenario.landing),
        },
        stdin=slave,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(slave)
    os.close(master)
    assert answered.returncode == 1
    assert re.search(said, answered.stderr), answered.stderr
    assert "no earlier snapshot stays. Go on?" in answered.stderr
    assert bytes_of(scenario.folder) == before


def test_what_the_ledger_knows_is_told(scenario):
    for looking in ("--dry-run", "--verify"):
        assert "has no erasure of this address" in stedi(scenario, "forget", looking, "wrong@example.com").stdout
    told = stedi(scenario, "forget", "--yes", ZOE).stdout
    [done] = re.findall(r"Erasure \S+ in the lakehouse stedi: begun .* UTC, done .* UTC\.", told)
    number = done.split()[1]
    for looking in ("--dry-run", "--verify"):
        assert f"1 erasure of this address: {number} (begun" in stedi(scenario, "forget", looking, ZOE).stdout


def test_a_file_that_is_gone_before_it_is_read_holds_nobody(scenario, monkeypatch):
    before = verify(scenario)
    listed = LocalStorage.list

    def with_one_more(storage, folder):
        return [*listed(storage, folder), f"{folder}/gone.db-journal"]

    monkeypatch.setattr(LocalStorage, "list", with_one_more)
    assert verify(scenario) == before


def test_options_that_exclude_each_other_are_refused(scenario):
    told = stedi(scenario, "forget", "--verify", "--dry-run", ZOE)
    assert (told.exit_code, "give one of them" in told.stderr) == (2, True)


def test_where_nothing_is_published_there_is_one_sentence(tmp_path):
    told = stedi(Scenario(tmp_path), "forget", "--yes", ZOE)
    assert (told.exit_code, "Nothing is published" in told.stderr) == (2, True)


def test_looking_changes_nothing_and_makes_no_key(scenario):
    before = bytes_of(scenario.folder)
    forget(scenario, ZOE, "--dry-run")
    assert "Nothing is removed yet" in stedi(scenario, "forget", "--dry-run", ZOE).stdout
    verify(scenario)
    assert "looking for 1 customerName, 1 email" in stedi(scenario, "forget", "--verify", ZOE).stdout
    assert bytes_of(scenario.folder) == before


def test_nothing_that_is_printed_tells_of_anybody(scenario):
    hers = re.compile("|".join([ZOE, NAME, PHONE, SERIAL, BOB, numbers(scenario)[ZOE]]), re.IGNORECASE)
    for arguments in ([], ["--verify"], ["--json"], ["--digest"], ["--dry-run"]):
        told = stedi(scenario, "forget", "--yes", ZOE, *arguments)
        assert told.exit_code in {0, 1}
        assert not hers.search(told.output), arguments
    key = (scenario.home / "erasure.key").read_text()
    assert key not in told.output


def test_a_file_called_after_her_is_reported_under_another_name(scenario):
    forget(scenario)
    found = verify(scenario)
    assert {Path(file).name for file in found} == {"(address)"}
    assert ZOE not in repr(found)


def test_the_key_is_its_owners_alone_and_shown_nowhere(scenario):
    forget(scenario)
    file = scenario.home / "erasure.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text()) == 64
    key = file.read_text().encode()
    assert all(key not in content for path, content in bytes_below(scenario.folder) if path != file)


def test_settings_hide_the_key(scenario):
    told = stedi(scenario, "settings", "--json", erasure_key=KEY)
    assert KEY not in told.output
    assert "set, and not shown" in told.stdout


def test_a_key_that_is_too_short_is_refused_and_not_repeated(scenario):
    told = stedi(scenario, "forget", "--yes", ZOE, erasure_key="quark")
    assert (told.exit_code, "STEDI_ERASURE_KEY" in told.stderr, "quark" in told.stderr) == (2, True, False)


@pytest.mark.parametrize("damage", ["", "short", "\u00e9" * 64])
def test_a_damaged_key_file_is_one_sentence(scenario, damage):
    (scenario.home / "erasure.key").write_text(damage)
    told = stedi(scenario, "forget", "--yes", ZOE)
    if len(damage) < 32:
        assert (told.exit_code, "erasure.key in STEDI_HOME is damaged" in told.stderr) == (2, True)


def test_another_key_than_the_ledgers_is_refused_everywhere(scenario, monkeypatch):
    forget(scenario, ZOE, erasure_key=KEY)
    identity = scenario.home / "warehouse" / "_lakehouse.json"
    before = bytes_of(scenario.home / "warehouse", scenario.landing)
    for arguments in (["forget", "--yes", BOB], ["forget", "--verify", ZOE], ["forget", "--digest", ZOE]):
        for settings in ({"erasure_key": OTHER_KEY}, {}):
            told = stedi(scenario, *arguments, **settings)
            assert told.exit_code == 2
            assert "written with another key" in told.stderr
    monkeypatch.setenv("STEDI_ERASURE_KEY", OTHER_KEY)
    result = scenario.run()
    assert not result.success
    for table in ("customer_landing", "accelerometer_landing", "step_trainer_landing"):
        assert "written with another key" in failure(result, table)
    # The identity notes at the next opening that there is a ledger now.
    after = bytes_of(scenario.home / "warehouse", scenario.landing)
    assert {path for path in after if after[path] != before.get(path)} <= {str(identity)}
    assert after.keys() == before.keys()
    monkeypatch.setenv("STEDI_ERASURE_KEY", KEY)
    assert scenario.run().success


def test_the_job_does_the_same_by_digest_and_its_events_tell_of_nobody(scenario, tmp_path):
    (tmp_path / "dagster").mkdir()
    whom = digest(scenario)
    assert re.fullmatch("[0-9a-f]{64}", whom)
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        result = run_job(scenario, whom, instance)
    assert result.success
    assert standing(tmp_path) == set()
    assert {Path(path).name for path in standing(scenario.folder)} == {f"{ZOE}.json"}
    assert BOB in numbers(scenario)
    # And the command knows of it.
    assert stedi(scenario, "forget", "--verify", ZOE).exit_code == 1
    assert scenario.query("SELECT count(DISTINCT erasure) FROM erasures") == [(1,)]


def test_a_job_without_a_key_is_one_sentence(scenario):
    result = run_job(scenario, "0" * 64)
    assert not result.success
    assert "There is no key for digests here" in failure(result, "forget_person")


def test_a_job_with_what_is_no_digest_does_not_start(scenario):
    before = bytes_of(scenario.folder)
    result = run_job(scenario, ZOE)
    assert not result.success
    assert bytes_of(scenario.folder) == before


def test_a_job_with_a_digest_of_nobody_says_so_and_takes_nothing(scenario):
    digest(scenario)
    before = contents(scenario)
    assert run_job(scenario, "0" * 64).success
    assert {name: rows for name, rows in contents(scenario).items() if name != "erasures"} == before
