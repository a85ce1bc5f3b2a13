"""`stedi report`, and the asset `report`: where the page goes, and what is told of it."""

import json
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.contracts import CONTRACTS, TABLES
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster_tests.defs.assets.builders import contents, failure, metadata


@pytest.fixture
def where(world):
    return {"home": world.home, "landing": world.landing, "max_bad_share": 0.5}


def test_the_page_is_written_into_this_folder_and_it_is_said_where(stedi, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = stedi("report", **where)
    assert told.exit_code == 0, told.output
    assert told.stdout == f"All {len(AUDITS)} audits passed. The report is in {tmp_path}/stedi-report.html\n"
    assert (tmp_path / "stedi-report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_says_of_which_lakehouse_it_is_and_replaces_only_its_own(stedi, where, world, tmp_path):
    file = tmp_path / "report.html"
    assert stedi("report", str(file), **where).exit_code == 0
    mine = file.read_text(encoding="utf-8")
    number = world.lakehouse().identity.lakehouse
    assert mine.count(number) == 2
    assert json.loads(stedi("report", "--json", **where).stdout)["lakehouse"] == number
    assert stedi("report", str(file), **where).exit_code == 0
    anothers = mine.replace(number, "00000000-1111-2222-3333-444444444444")
    file.write_text(anothers, encoding="utf-8")
    told = stedi("report", str(file), **where)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "is the report of another lakehouse, 00000000-1111-2222-3333-444444444444" in told.stderr
    assert number in told.stderr
    assert file.read_text(encoding="utf-8") == anothers


def test_it_is_written_elsewhere_or_to_standard_output(stedi, where, tmp_path):
    assert stedi("report", str(tmp_path / "other.html"), **where).exit_code == 0
    assert "</html>" in (tmp_path / "other.html").read_text(encoding="utf-8")
    told = stedi("report", "-", "--since", "2022-06-18", **where)
    assert told.stdout.startswith("<!DOCTYPE html>")
    assert "2022-06-18 to" in told.stdout


def test_the_same_facts_are_there_as_json(stedi, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = stedi("report", "--json", **where)
    facts = json.loads(told.stdout)
    assert facts["state"] == "passed"
    assert [table["name"] for table in facts["tables"]] == list(TABLES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["no/such/folder/r.html"], "cannot be written to no/such/folder/r.html"),
        (["--since", "yesterday"], "--since 'yesterday' is not a date"),
        (["r.html", "--json"], "--json prints the facts"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(stedi, where, arguments, reason):
    told = stedi("report", *arguments, **where)
    assert told.exit_code == 2
    assert reason in told.stderr
    assert told.stderr.count("\n") == 1


def test_the_job_makes_a_report_and_no_table(world):
    before = contents(world)
    result = world.run(job="report")
    assert result.success
    facts = metadata(result, "report", step="make_report")
    path = Path(facts["path"])
    assert path.parent == world.home / "reports"
    assert "<h1>Consent report</h1>" in path.read_text(encoding="utf-8")
    assert facts["verdict"] == f"All {len(AUDITS)} audits passed."
    assert (facts["audits"], facts["audits_failed"], facts["audits_warning"]) == (len(AUDITS), 0, 0)
    assert (facts["erasures"], facts["erasures_unfinished"]) == (1, 0)
    assert [record.data["rows"] for record in facts["funnel"].records] == [17, 14, 9, 9, 9, 7, 7]
    assert contents(world) == before


def test_a_period_that_is_none_fails_the_asset_with_the_sentence(world):
    job = build_defs(world.load_settings()).resolve_job_def("report")
    config = {"ops": {"make_report": {"config": {"since": "yesterday"}}}}
    result = job.execute_in_process(run_config=config, instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    assert "is not a date" in failure(result, "make_report")


def test_the_asset_stands_after_the_tables_in_a_group_of_its_own(world):
    definitions = build_defs(world.load_settings())
    specs = {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}
    assert specs["report"].group_name == "reports"
    assert [dep.asset_key.path[-1] for dep in specs["report"].deps] == ["machine_learning_curated"]
    feeds = {f"{feed.name}_feed" for feed in FEEDS.values()}
    # What is recorded of releases is written with them.
    assert set(specs) - {"report"} == (CONTRACTS.keys() | feeds) - {"release_revisions", "release_exports"}
    everything = definitions.resolve_job_def("everything")
    assert dg.AssetKey("report") not in everything.asset_layer.selected_asset_keys
