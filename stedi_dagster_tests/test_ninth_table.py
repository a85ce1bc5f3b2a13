"""Whoever follows `docs/how-to/add-a-table.md` word for word has a table that keeps every promise of the others."""

import json
from typing import Any

import pytest

from stedi_dagster_tests.ninth_table import Checkout, blocks

pytestmark = pytest.mark.long

TABLE = "daily_activity"
# What Dagster knows of the table.
GRAPH = """
import json
import dagster as dg
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.settings import Settings

node = build_defs(Settings.load()).resolve_asset_graph().get(dg.AssetKey("daily_activity"))
columns = node.metadata["dagster/column_schema"].columns
print(json.dumps({
    "group": node.group_name,
    "made from": sorted(key.path[-1] for key in node.parent_keys),
    "checks": sorted(key.name for key in node.check_keys),
    "columns": {column.name: dict(column.tags) for column in columns},
}))
"""
# A row of nobody's, behind the platform's back.
PLANTED = """
import pyarrow as pa
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings

row = {"user": ["nobody@example.com"], "day": ["2022-06-18"], "firstReadingTime": [1655564400000], "readings": [1]}
Lakehouse.of(Settings.load()).table("daily_activity").append(pa.table(row))
print("null")
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The platform with the ninth table, after the commands of the page."""
    made = Checkout(tmp_path_factory.mktemp("ninth"))
    files = made.follow_the_page()
    assert [file.relative_to(made.folder).parts[1] for file in files] == ["contracts", "policies", "defs"]
    for block in blocks():
        if block.language == "sh":
            done = made.shell(block.text)
            assert done.returncode == 0, done.stderr
            assert TABLE in done.stdout
    return made


@pytest.fixture(scope="module")
def published(checkout: Checkout) -> dict[str, list[int]]:
    """When each person's readings were taken, as the table has it and as accelerometer_trusted has: first, how many."""
    taken = "SELECT user, min(timestamp) AS moment, count(*) AS number FROM accelerometer_trusted GROUP BY user"
    query = f"SELECT * FROM {TABLE} FULL JOIN ({taken}) AS taken USING (user)"
    return {row.pop("user"): list(row.values()) for row in checkout.stedi(f'sql --json "{query}"')}


def test_it_has_the_rows_that_its_rule_makes(published):
    assert len(published) > 2
    for day, first, readings, moment, number in published.values():
        # All of the sample is of one day.
        assert (day, first, readings) == ("2022-06-18", moment, number)


def test_dagster_shows_it_in_its_layer_with_its_columns_and_checks(checkout, published):
    graph = checkout.python(GRAPH)
    assert (graph["group"], graph["made from"]) == ("curated", ["accelerometer_trusted"])
    assert {"contract", "consent", "reconciliation"} <= set(graph["checks"])
    assert {"standing_consent", "standing_files", "standing_freshness", "standing_history"} <= set(graph["checks"])
    assert list(graph["columns"]) == ["user", "day", "firstReadingTime", "readings"]
    assert graph["columns"]["user"] == {"personal_data": "yes", "from": "accelerometer_trusted.user"}


def test_the_report_tells_of_it(checkout, published):
    report = checkout.stedi("report --json")
    [facts] = [table for table in report["tables"] if table["name"] == TABLE]
    assert facts["rows"] == len(published)
    assert facts["personal"] == "yes"
    assert facts["books"]["rows_in"] == facts["books"]["kept"] == sum(row[-1] for row in published.values())
    audited = {audit["name"]: audit for audit in report["audits"]}
    for name in ("consent", "history", "files", "freshness"):
        assert TABLE in audited[name]["on"]
        assert audited[name]["state"] == "passed"


@pytest.fixture(scope="module")
def withdrawn(checkout: Checkout, published: dict[str, list[int]]) -> tuple[str, dict[str, Any]]:
    """Somebody withdraws, and the rule forgets consent: it reads what landed. Who it is, and what the run says."""
    person = min(published)
    record = {"email": person, "serialNumber": "x", "registrationDate": 1655564400000, "lastUpdateDate": 1655999999999}
    landed = checkout.folder / "landing" / "customer" / "landing" / "withdrawal.json"
    landed.write_text(json.dumps(record) + "\n")
    for file in checkout.folder.glob("stedi_dagster/*/**/activity.py"):
        file.write_text(file.read_text().replace("accelerometer_trusted", "accelerometer_landing"))
    run = checkout.stedi("run --json", exits=1)
    return person, {line["table"]: line for line in run["tables"]}


def test_a_rule_that_forgets_consent_is_blocked(withdrawn):
    _, lines = withdrawn
    assert lines[TABLE]["failed"] == ["consent"]
    assert [name for name, line in lines.items() if line["failed"]] == [TABLE]


def test_who_withdrew_is_taken_out_of_it_although_it_cannot_be_made(checkout, published, withdrawn):
    person, _ = withdrawn
    left = checkout.stedi(f'sql --json "SELECT user FROM {TABLE}"')
    assert {row["user"] for row in left} == published.keys() - {person}


def test_who_is_forgotten_is_gone_from_it_and_stands_nowhere(checkout, published, withdrawn):
    person = max(published)
    receipt = checkout.stedi(f"forget --yes --json {person}")
    assert {table["table"]: table["rows"] for table in receipt["tables"]}[TABLE] == 1
    assert checkout.stedi(f"forget --verify --json {person}")["places"] == []


def test_a_row_that_nobody_agreed_to_is_found_by_the_standing_audit(checkout, withdrawn):
    checkout.python(PLANTED)
    told = checkout.stedi("audit --json", exits=1)
    [findings] = [audit["findings"] for audit in told["audits"] if audit["audit"] == "consent"]
    assert [(one["table"], one["problem"], one["rows"]) for one in findings] == [
        (TABLE, "rows of people who do not agree to research", 1)
    ]
