"""What the UI shows: of each table by its definition, and of each materialization by what it recorded."""

import base64
import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.assets.report import GROUP as REPORTS
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.landing.feeds import FEEDS as LANDED
from stedi_dagster.landing.files import list_files
from stedi_dagster_tests.defs.assets.builders import materialized, metadata, snapshots, three_people
from stedi_dagster_tests.defs.assets.graph import ALL, CONTRACTS, GROUPS, INPUTS, PERSONAL, READ, RESTRICTED
from stedi_dagster_tests.scenario import Scenario, checks

# In which rows may rest on evidence, and what that is.
BY_EVIDENCE, WORN = "step_trainer_trusted", "accelerometer_landing"


@pytest.fixture(scope="module")
def scenario(tmp_path_factory) -> Scenario:
    return three_people(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def specs(scenario: Scenario) -> dict[str, dg.AssetSpec]:
    defs = build_defs(scenario.load_settings())
    return {spec.key.path[-1]: spec for spec in defs.resolve_all_asset_specs() if spec.group_name != REPORTS}


@pytest.fixture(scope="module")
def run(scenario: Scenario) -> dg.ExecuteInProcessResult:
    result = scenario.run(max_age=120)
    assert result.success
    return result


def observations(result: dg.ExecuteInProcessResult) -> list[Any]:
    """What a run observed."""
    found = [event for event in result.all_events if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION]
    return [event.asset_observation_data.asset_observation for event in found]


def test_there_are_eight_tables_in_three_layers_between_the_raw_files_and_what_is_restricted(specs):
    assert set.union(*GROUPS.values()) == set(TABLES)
    assert {group: {name for name in specs if specs[name].group_name == group} for group in ALL} == ALL
    assert set(specs) == set.union(*ALL.values())


def test_tables_say_all_that_they_read(specs):
    found = {name: {dep.asset_key.path[-1] for dep in spec.deps} for name, spec in specs.items()}
    assert found == {name: READ.get(name, set()) for name in specs}


@pytest.mark.parametrize("table", sorted(RESTRICTED))
def test_what_is_restricted_says_so_and_what_it_holds(specs, table):
    spec = specs[table]
    assert spec.tags["access"] == "restricted"
    assert spec.tags["personal_data"] == ("pseudonym" if table == "erasures" else "yes")
    assert spec.metadata["dagster/column_schema"].columns
    assert spec.description


@pytest.mark.parametrize("feed", sorted(ALL["raw"]))
def test_a_feed_is_observed_and_not_made(scenario, feed):
    graph = build_defs(scenario.load_settings()).resolve_asset_graph()
    node = graph.get(dg.AssetKey(feed))
    assert node.is_observable
    assert not node.is_materializable


def test_observing_the_feeds_records_the_digest_of_their_listings_and_no_name(scenario):
    result = scenario.run(job="observe_feeds")
    assert result.success
    observed = {observation.asset_key.path[-1]: observation for observation in observations(result)}
    assert set(observed) == ALL["raw"]
    for table, feed in LANDED.items():
        listing = list_files(str(scenario.landing), feed)
        observation = observed[f"{feed.name}_feed"]
        assert observation.data_version == listing.digest(), table
        assert observation.metadata["files"].value == 1
        assert "part-1" not in str(observation)


def test_a_table_that_no_run_has_looked_at_for_as_long_as_the_setting_says_is_overdue_for_dagster(scenario, specs):
    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36))
    assert {name: spec.freshness_policy for name, spec in specs.items() if spec.freshness_policy} == dict.fromkeys(
        TABLES, policy
    )
    # Dagster knows none of less than a minute.
    defs = build_defs(scenario.load_settings(freshness=0))
    assert not any(spec.freshness_policy for spec in defs.resolve_all_asset_specs())


@pytest.mark.parametrize("table", TABLES)
def test_a_table_s_contract_and_rule_are_linked_to_where_they_are(specs, table):
    links = {link.label: link for link in specs[table].metadata["dagster/code_references"].code_references}
    contract = links["contract"]
    line = Path(contract.file_path).read_text().splitlines()[contract.line_number - 1]
    assert line.startswith(f"class {TABLES[table].__name__}(")
    assert ("rule" in links) == (table not in GROUPS["landing"])
    assert all(Path(link.file_path).suffix == ".py" for link in links.values())


@pytest.mark.parametrize("table", TABLES)
def test_a_table_tells_what_it_is(specs, table):
    spec = specs[table]
    assert str(spec.description).startswith(TABLES[table].description()[:40])
    assert set(spec.kinds) >= {"iceberg", "pyspark", "pandera"}
    assert spec.owners == ["team:data-platform"]
    assert spec.tags["personal_data"] == PERSONAL[table]
    assert spec.code_version == code_version(TABLES[table])


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described_with_whether_it_is_personal(specs, table):
    columns = specs[table].metadata["dagster/column_schema"].columns
    expected = [(spec.name, spec.meaning, spec.nullable, spec.personal) for spec in TABLES[table].columns()]
    assert [
        (column.name, column.description, column.constraints.nullable, column.tags["personal_data"])
        for column in columns
    ] == expected


@pytest.mark.parametrize("table", INPUTS)
def test_the_lineage_of_every_column_ends_at_a_column_that_exists(specs, table):
    lineage = specs[table].metadata["dagster/column_lineage"].deps_by_column
    assert list(lineage) == TABLES[table].names()
    for deps in lineage.values():
        for dep in deps:
            assert dep.asset_key.path[-1] in INPUTS[table] | ({WORN} if table == BY_EVIDENCE else set())
            assert dep.column_name in CONTRACTS[dep.asset_key.path[-1]].names()


@pytest.mark.parametrize("table", TABLES)
def test_a_materialization_tells_where_how_much_and_how_long(scenario, run, table):
    told = metadata(run, table)
    location = f"{scenario.load_settings().warehouse_location}/stedi/{table}"
    assert told["dagster/row_count"] == len(scenario.rows(table))
    assert told["dagster/table_name"] == f"stedi.{table}"
    assert told["dagster/uri"] == location
    assert told["iceberg_metadata"].startswith(f"{location}/metadata/")
    assert told["snapshot_id"] == str(snapshots(scenario)[table])
    assert 0 < told["seconds"] < 600
    rules = {"consent": "granted", "match": "person", "step_people": "curated", "serials": "unique", "max_age": 120}
    assert told["policy"] == rules
    assert told.get("rows_on_evidence") == (0 if table == BY_EVIDENCE else None)
    assert told["dagster/column_schema"].columns[0].name == TABLES[table].names()[0]
    assert "dagster/column_lineage" in told


def test_the_data_version_is_the_snapshot(scenario, run):
    for event in run.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        assert materialization.tags["dagster/data_version"] == str(
            snapshots(scenario)[materialization.asset_key.path[-1]]
        )


def test_upstream_snapshots_are_recorded(scenario, run):
    there = {name: str(snapshot_id) for name, snapshot_id in snapshots(scenario).items()}
    for table, inputs in INPUTS.items():
        upstream = metadata(run, table)["upstream_snapshots"]
        assert inputs <= set(upstream)
        assert upstream.items() <= there.items()


def test_quarantines_and_participants_are_materialized_with_their_numbers(scenario, run):
    for feed in ("customer", "accelerometer", "step_trainer"):
        told = metadata(run, f"{feed}_quarantine", step=f"{feed}_landing")
        assert told["dagster/row_count"] == 0
        assert told["dagster/table_name"] == f"stedi_restricted.{feed}_quarantine"
    told = metadata(run, "participants")
    assert told["dagster/row_count"] == told["registered"] == len(scenario.rows("customers_curated")) == 2
    assert told["forgotten"] == 0


def test_a_feed_s_quarantine_and_its_list_of_files_are_published_before_its_table(run):
    for table in GROUPS["landing"]:
        quarantine, files = (table.replace("_landing", kind) for kind in ("_quarantine", "_landed_files"))
        made = [each.asset_key.path[-1] for each in run.asset_materializations_for_node(table)]
        assert made == [quarantine, files, table]


def test_the_rows_withheld_are_told_by_reason_and_drawn(run):
    told = metadata(run, "customer_trusted")
    # As numbers, which Dagster plots.
    assert (told["kept"], told["withheld/no consent to research"]) == (2, 1)
    withheld = {record.data["reason"]: record.data["rows"] for record in told["withheld"].records}
    assert withheld == {"no consent to research": 1}
    picture = re.fullmatch(r"!\[.+\]\(data:image/svg\+xml;base64,(.+)\)", told["kept_and_withheld"])
    assert picture is not None
    svg = base64.b64decode(picture[1])
    assert len(svg) < 5000
    texts = [element.text for element in ET.fromstring(svg).iter() if element.text]  # noqa: S314 - our own
    assert texts == ["kept: 2 (66.7%)", "no consent to research: 1 (33.3%)"]


def test_a_landing_table_tells_how_many_files_it_was_read_from(scenario, run):
    told = metadata(run, "customer_landing")
    assert told["files"] == 1
    assert told["markers_skipped"] == 0
    assert told["bytes"] == (scenario.landing / "customer/landing/part-1.json").stat().st_size


def test_every_table_has_its_checks_and_all_of_them_block(scenario, run):
    everywhere = {"contract", "reconciliation"}
    expected = {(table, check) for table in TABLES for check in everywhere}
    expected |= {(table, check) for table in GROUPS["landing"] for check in ("quarantine", "volume")}
    expected |= {(table, "consent") for table in GROUPS["trusted"] | GROUPS["curated"]}
    expected |= {(table, check) for table in ("customer_trusted", "customers_curated") for check in CUSTOMER_CHECKS}
    expected |= {("customer_trusted", "doubt"), ("machine_learning_curated", "same_person"), (BY_EVIDENCE, "evidence")}
    assert set(checks(run)) == expected
    defined = [
        spec
        for asset in build_defs(scenario.load_settings()).assets or ()
        for spec in getattr(asset, "check_specs", ())
    ]
    assert {(spec.asset_key.path[-1], spec.name) for spec in defined} == expected
    assert all(spec.blocking and spec.description for spec in defined)
    assert all(evaluation.passed and evaluation.description for evaluation in checks(run).values())


def test_on_success_the_checks_point_at_the_materialization_they_belong_to(scenario):
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            result = scenario.run(instance)
            assert materialized(result) == set(TABLES)
            for (table, _), evaluation in checks(result).items():
                event = instance.get_latest_materialization_event(dg.AssetKey(table))
                target = evaluation.target_materialization_data
                assert event is not None
                assert target is not None
                assert (target.run_id, target.timestamp) == (result.run_id, event.timestamp)


CUSTOMER_CHECKS = ("unique_person", "serial_conflicts")
