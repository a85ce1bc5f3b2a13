"""While nothing is new, no record is read: what the gate found is recorded once more, with the run that found it."""

import json

import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.resources.spark import SparkConnectResource
from stedi_dagster.lakehouse.audit_record import AuditRecord
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster_tests.defs.assets.builders import failure, metadata, snapshots, three_people
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading

AUDIT = "stedi.audit"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Published:
    scenario = three_people(tmp_path_factory.mktemp("audited") / "world")
    scenario.settings |= {"engine": sail_url, "max_bad_share": 0.5}
    # Two people carry one device: a check warns.
    scenario.land("customer", customer("eve@example.com", serialNumber="serial-of-ann@example.com"), name="eve.json")
    scenario.land_text("customer", '{"email": "half', name="broken.json")
    return Published(scenario)


@pytest.fixture
def world(once: Published) -> Scenario:
    """Three people and one more, published."""
    return once.restored()


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Gets an entry whenever an engine's session is asked for, or the rows of a table are read."""
    asked: list[str] = []
    session, batches = SparkConnectResource.spark_session, DataFiles.batches

    def watched(resource: SparkConnectResource) -> object:
        asked.append("session")
        return session.fget(resource)  # type: ignore[attr-defined]

    def read(files: DataFiles, columns: list[str]) -> object:
        asked.append(f"rows of {files.contract.table()}")
        return batches(files, columns)

    monkeypatch.setattr(SparkConnectResource, "spark_session", property(watched))
    monkeypatch.setattr(DataFiles, "batches", read)
    return asked


def evaluations(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], tuple[object, ...]]:
    return {
        (check.asset_key.path[-1], check.check_name): (check.passed, check.severity, check.description)
        for check in result.get_asset_check_evaluations()
    }


def audited_in(result: dg.ExecuteInProcessResult) -> set[object]:
    """The runs in which what a run's checks say was found; None: in itself."""
    found = (check.metadata.get("audited_in") for check in result.get_asset_check_evaluations())
    return {one and one.value for one in found}


def test_while_nothing_is_new_no_engine_is_started_no_record_is_read_and_the_checks_say_the_same(world, sessions):
    first = world.run()
    told = evaluations(first)
    # What `Published` restores was made in a run before.
    [run] = audited_in(first)
    assert run not in {None, first.run_id}
    second = world.run()
    # What has landed is known by the list of raw files.
    assert set(sessions) == {"rows of landed_files"}
    assert evaluations(second) == told
    assert audited_in(second) == {run}
    assert told["customer_trusted", "serial_conflicts"][:2] == (False, dg.AssetCheckSeverity.WARN)
    assert metadata(second, "customer_trusted")["audited_in"] == run


@pytest.mark.parametrize("overrides", [{"max_doubt": 0.5}, {"max_shrink": 0.5, "max_bad_share": 0.4}])
def test_what_is_judged_by_other_limits_is_judged_again_and_stays_published(world, overrides):
    before = snapshots(world)
    result = world.run(**overrides)
    assert None in audited_in(result)
    assert snapshots(world) == before
    assert None not in audited_in(world.run(**overrides))


def test_other_code_of_the_gate_looks_at_everything_and_publishes_nothing(world, monkeypatch):
    before = snapshots(world)
    monkeypatch.setattr("stedi_dagster.drafts.audited.audit_version", lambda: "another version")
    assert audited_in(world.run()) == {None}
    assert snapshots(world) == before
    assert None not in audited_in(world.run())


@pytest.mark.parametrize("damage", ["gone", "not JSON", "of another snapshot", "another check", "unknown entry"])
def test_a_record_that_does_not_tell_is_no_record(world, damage):
    table = world.lakehouse().table("customer_trusted")
    found = json.loads(table.properties[AUDIT])
    written = {
        "not JSON": "{",
        "of another snapshot": json.dumps({**found, "snapshot_id": 1}),
        "another check": json.dumps({**found, "outcomes": found["outcomes"][1:]}),
        "unknown entry": json.dumps({**found, "outcomes": [{"who": "?"}]}),
    }
    with table.transaction() as transaction:
        if damage == "gone":
            transaction.remove_properties(AUDIT)
        else:
            transaction.set_properties({AUDIT: written[damage]})
    result = world.run()
    assert result.success
    by_table = {check.asset_key.path[-1]: check.metadata for check in result.get_asset_check_evaluations()}
    assert "audited_in" not in by_table["customer_trusted"]
    assert "audited_in" in by_table["customers_curated"]
    assert None not in audited_in(world.run())


def test_what_is_judged_again_leaves_no_file_behind(world):
    table = world.lakehouse().table("customer_trusted")
    location = table.location()
    for limit in (0.5, 0.6, 0.7):
        assert world.run(max_doubt=limit).success
    lakehouse = world.lakehouse()
    now = lakehouse.table("customer_trusted")
    there = {path for path in lakehouse.storage.list(f"{location}/metadata") if path.endswith(".metadata.json")}
    assert there == {now.metadata_location, *(entry.metadata_file for entry in now.metadata.metadata_log)}


def test_content_that_fails_under_other_limits_is_judged_in_each_run(world):
    for _ in range(2):
        result = world.run(max_bad_share=0.0)
        assert "quarantine" in failure(result, "customer_landing")
        by_table = {check.asset_key.path[-1]: check.metadata for check in result.get_asset_check_evaluations()}
        assert "audited_in" not in by_table["customer_landing"]


def test_what_is_recorded_names_nobody(world):
    for name, contract in TABLES.items():
        text = world.lakehouse().table(name).properties[AUDIT]
        assert "@" not in text, name
        assert "serial-of" not in text, name
        assert AuditRecord.of(world.lakehouse().table(name)) is not None, contract


@pytest.mark.parametrize("user", ["ann@example.com", "bob@example.com"])
def test_new_readings_have_judged_what_they_are_in_and_nothing_else(world, user):
    world.land("accelerometer", reading(user, at=T0 + 7), name="more.json")
    result = world.run()
    checks = result.get_asset_check_evaluations()
    judged = {"accelerometer_landing", "accelerometer_trusted"}
    # Bob agreed to nothing: what is made of accelerometer_trusted is as it was. Ann was in customers_curated before.
    judged |= {"customers_curated", "machine_learning_curated"} if "ann" in user else set()
    assert {check.asset_key.path[-1] for check in checks if "audited_in" not in check.metadata} == judged
