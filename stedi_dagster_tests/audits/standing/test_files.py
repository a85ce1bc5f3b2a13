"""The audit `files`: every file of what is published is looked at, and what a finding says to do mends it."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from shutil import rmtree

import dagster as dg
import pyarrow as pa
import pytest

from stedi_dagster.audits.standing.evidence import evidence_of
from stedi_dagster.audits.standing.files import NOT_RECORDED, find_damaged, problem
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import TABLES
from stedi_dagster.lakehouse.checksums import Damage
from stedi_dagster.run_tags import FULL_REFRESH
from stedi_dagster_tests.audits.standing.auditing import Audited, audit_job, found
from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.defs.assets.builders import contents, orphans, tables
from stedi_dagster_tests.scenario import Scenario, customer, reading
from stedi_dagster_tests.sql.worlds import planted


def judged(world: Scenario) -> list[Finding]:
    """What the audit finds."""
    with evidence_of(world.load_settings(), world.lakehouse(), consistent_read=nullcontext()) as evidence:
        return list(find_damaged(evidence))


def data_files(world: Scenario) -> dict[Path, str]:
    """The published data files, with their tables."""
    return {
        Path(task.file.file_path): table.name()[-1] for table in tables(world) for task in table.scan().plan_files()
    }


def a_file_of(world: Scenario, table: str) -> Path:
    return next(path for path, name in data_files(world).items() if name == table)


def flip_a_bit(path: Path, *, seed: int = 1) -> None:
    content = bytearray(path.read_bytes())
    bit = random.Random(seed).randrange(len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Put a file back."""
    content = path.read_bytes()
    yield
    path.write_bytes(content)


def test_every_data_file_is_looked_at(world: Scenario) -> None:
    files = data_files(world)
    with ExitStack() as back:
        for seed, path in enumerate(files):
            back.enter_context(kept(path))
            flip_a_bit(path, seed=seed)
        findings = judged(world)
    assert {finding.table: finding.rows for finding in findings} == Counter(files.values())
    assert {finding.problem for finding in findings} == {
        problem(table, Damage.ALTERED, of_data=True) for table in files.values()
    }
    assert all(finding.fails for finding in findings)
    assert judged(world) == []


def test_a_metadata_file_that_is_gone_is_told_without_its_name(world: Scenario) -> None:
    table = world.lakehouse().table("customer_trusted")
    assert table is not None
    [manifest, *_] = table.inspect.manifests()["path"].to_pylist()
    with kept(Path(manifest)):
        Path(manifest).unlink()
        [finding] = judged(world)
    told = "metadata files that are gone: bring back what the warehouse's backup has"
    assert finding == Finding("customer_trusted", told, 1, fails=True)


def test_what_was_published_without_checksums_is_a_warning(world: Scenario, audited: Audited) -> None:
    with planted(world, {"customer_trusted": lambda rows: rows}):
        code, told = audited(world)
        evaluation = audit_job(world)["customer_trusted", "standing_files"]
    assert (code, told["files"]["outcome"]) == (0, "WARN")
    assert found(told, "files") == [("customer_trusted", NOT_RECORDED, 1)]
    assert (evaluation.passed, evaluation.severity.value) == (False, "WARN")
    assert world.run().success
    assert judged(world) == []


def test_a_table_of_somebody_else_is_not_judged(world: Scenario) -> None:
    lake = world.lakehouse()
    theirs = lake.catalog.create_table((lake.database, "theirs"), pa.schema([("number", pa.int64())]))
    theirs.append(pa.table({"number": [1]}))
    assert judged(world) == []
    lake.catalog.drop_table((lake.database, "theirs"))
    rmtree(theirs.location())


@pytest.mark.parametrize("table", ["customer_quarantine", "customer_landed_files", "machine_learning_curated"])
def test_what_the_finding_says_to_do_mends_an_altered_file(
    world: Scenario, stedi: Stedi, audited: Audited, table: str
) -> None:
    before = contents(world)
    flip_a_bit(a_file_of(world, table))
    # It has the size that it had, and so a run takes it for what it was, if it can be read.
    world.run()
    code, told = audited(world)
    assert (code, told["files"]["outcome"]) == (1, "ERROR")
    [(on, said, files)] = found(told, "files")
    assert (on, files) == (table, 1)
    [command] = re.findall("`stedi (.+?)`", said)
    done = stedi(*command.split(), home=world.home, landing=world.landing, max_bad_share=0.5)
    assert done.exit_code == 0, done.output
    assert judged(world) == []
    assert contents(world) == before
    assert orphans(world) == set()
    # The run itself has had judged again what had failed.
    with dg.DagsterInstance.from_config(str(world.home / "dagster")) as instance:
        keys = [dg.AssetCheckKey(dg.AssetKey(name), "standing_files") for name in TABLES]
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys).values()
    assert all(each.evaluation is not None and each.evaluation.passed for each in latest)


def test_a_file_that_is_gone_fails_its_own_audit_and_not_the_command(world: Scenario, audited: Audited) -> None:
    path = a_file_of(world, "customers_curated")
    with kept(path):
        path.unlink()
        code, told = audited(world)
    assert code == 1
    assert found(told, "files") == [("customers_curated", problem("customers_curated", Damage.GONE, of_data=True), 1)]
    assert told["history"]["outcome"] == "passed"
    assert "The audit `files` says of which table" in told["consent"]["could_not_run"]


def test_what_a_run_has_replaced_meanwhile_is_not_missed(world: Scenario) -> None:
    with evidence_of(world.load_settings(), world.lakehouse(), consistent_read=nullcontext()) as evidence:
        assert world.run(retention=0, tags={FULL_REFRESH: "customers_curated, step_trainer_trusted"}).success
        seen = evidence.tables["customers_curated"].current_snapshot()
        assert seen is not None
        assert not Path(seen.manifest_list).exists()
        assert list(find_damaged(evidence)) == []


def test_what_no_run_makes_again_is_to_be_brought_back(world: Scenario) -> None:
    path = a_file_of(world, "participants")
    with kept(path):
        flip_a_bit(path)
        [finding] = judged(world)
    told = "data files that were altered: bring back what the warehouse's backup has"
    assert finding == Finding("participants", told, 1, fails=True)


def test_an_erasure_and_an_expiry_leave_whole_checksums(tmp_path, sail_url: str, stedi: Stedi) -> None:
    scenario = Scenario(tmp_path, {"engine": sail_url})
    scenario.land("customer", customer(), customer("bob@example.com"))
    scenario.land("accelerometer", reading(), reading("bob@example.com"))
    assert scenario.run().success
    scenario.land("customer", customer("cid@example.com"), name="later.json")
    assert scenario.run(retention=0).success
    assert judged(scenario) == []
    assert orphans(scenario) == set()
    done = stedi("forget", "bob@example.com", "--yes", home=scenario.home, landing=scenario.landing)
    assert done.exit_code == 0, done.output
    assert "erasures" in {table.name()[-1] for table in tables(scenario)}
    assert judged(scenario) == []
    assert orphans(scenario) == set()
