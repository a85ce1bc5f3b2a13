"""Whoever follows `docs/how-to/add-a-table.md` word for word has a table that keeps every promise of the others."""

import json
from typing import Any, NamedTuple

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


class Published(NamedTuple):
    """By person, when their readings were taken and how many they are, by the table and by accelerometer_trusted.

    And the report.
    """

    people: dict[str, list[Any]]
    report: Any


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
def published(checkout: Checkout) -> Published:
    """What the first run published."""
    taken = "SELECT user, min(timestamp) AS moment, count(*) AS number FROM accelerometer_trusted GROUP BY user"
    query = f"SELECT * FROM {TABLE} FULL JOIN ({taken}) AS taken USING (user)"
    [(_, rows), (_, report)] = checkout.stedi(f'sql --json "{query}"', "report --json")
    return Published({row.pop("user"): list(row.values()) for row in rows}, report)


def test_it_has_the_rows_that_its_rule_makes(published):
    assert len(published.people) > 2
    for day, first, readings, moment, number in published.people.values():
        # All of the sample is of one day.
        assert (day, first, readings) == ("2022-06-18", moment, number)


def test_dagster_shows_it_in_its_layer_with_its_columns_and_checks(checkout, published):
    graph = checkout.python(GRAPH)
    # Whether everybody in it agrees is judged by what customers sent.
    judged_by = ["customer_landing", "customer_quarantine"]
    assert (graph["group"], graph["made from"]) == ("curated", ["accelerometer_trusted", *judged_by])
    assert {"contract", "consent", "reconciliation"} <= set(graph["checks"])
    assert {"standing_consent", "standing_files", "standing_freshness", "standing_history"} <= set(graph["checks"])
    assert list(graph["columns"]) == ["user", "day", "firstReadingTime", "readings"]
    assert graph["columns"]["user"] == {"personal_data": "yes", "from": "accelerometer_trusted.user"}


def test_the_report_tells_of_it(published):
    [facts] = [table for table in published.report["tables"] if table["name"] == TABLE]
    assert facts["rows"] == len(published.people)
    assert facts["personal"] == "yes"
    assert facts["books"]["rows_in"] == facts["books"]["kept"] == sum(row[-1] for row in published.people.values())
    audited = {audit["name"]: audit for audit in published.report["audits"]}
    for name in ("consent", "history", "files", "freshness"):
        assert TABLE in audited[name]["on"]
        assert audited[name]["state"] == "passed"


class Troubled(NamedTuple):
    """What came of a run in which somebody had withdrawn and the rule forgot consent; and of an erasure after it."""

    withdrawn: str
    lines: dict[str, Any]
    people: set[str]
    receipt: Any
    proof: Any


@pytest.fixture(scope="module")
def troubled(checkout: Checkout, published: Published) -> Troubled:
    """The first person withdraws, and the rule reads what landed; then the last person is erased."""
    first, *_, last = sorted(published.people)
    record = {"email": first, "serialNumber": "x", "registrationDate": 1655564400000, "lastUpdateDate": 1655999999999}
    landed = checkout.folder / "landing" / "customer" / "landing" / "withdrawal.json"
    landed.write_text(json.dumps(record) + "\n")
    for file in checkout.folder.glob("stedi_dagster/*/**/activity.py"):
        file.write_text(file.read_text().replace("accelerometer_trusted", "accelerometer_landing"))
    [(failed, run), (_, left), (_, receipt), (clean, proof)] = checkout.stedi(
        "run --json",
        f'sql --json "SELECT user FROM {TABLE}"',
        f"forget --yes --json {last}",
        f"forget --verify --json {last}",
    )
    assert (failed, clean) == (1, 0)
    lines = {line["table"]: line for line in run["tables"]}
    return Troubled(first, lines, {row["user"] for row in left}, receipt, proof)


def test_a_rule_that_forgets_consent_is_blocked(troubled):
    assert troubled.lines[TABLE]["failed"] == ["consent"]
    assert [name for name, line in troubled.lines.items() if line["failed"]] == [TABLE]


def test_who_withdrew_is_taken_out_of_it_although_it_cannot_be_made(published, troubled):
    assert troubled.people == published.people.keys() - {troubled.withdrawn}


def test_who_is_forgotten_is_gone_from_it_and_stands_nowhere(troubled):
    assert {table["table"]: table["rows"] for table in troubled.receipt["tables"]}[TABLE] == 1
    assert troubled.proof["files"] > 0
    assert troubled.proof["places"] == []


def test_a_row_that_nobody_agreed_to_is_found_by_the_standing_audit(checkout, troubled):
    checkout.python(PLANTED)
    [(failed, audits)] = checkout.stedi("audit --json")
    [findings] = [audit["findings"] for audit in audits["audits"] if audit["audit"] == "consent"]
    assert failed == 1
    assert [(one["table"], one["problem"], one["rows"]) for one in findings] == [
        (TABLE, "rows of people who do not agree to research", 1)
    ]
