"""The whole pipeline on S3 and Glue: the same rows as on this machine, and tables that others can read."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.policies.policy import PRESETS
from stedi_dagster.sample import generate
from stedi_dagster_tests.aws.cloud import Cloud
from stedi_dagster_tests.scenario import Scenario, checks

# Drawn at random, and so different in two lakehouses.
RANDOM = {"machine_learning_curated": ["sensorReadingTime", "distanceFromObject", "x", "y", "z"]}


def content(scenario: Scenario, table: str) -> list[tuple[object, ...]]:
    columns = ", ".join(f'"{name}"' for name in RANDOM.get(table, TABLES[table].names()))
    return scenario.query(f"SELECT {columns} FROM {table} ORDER BY ALL")


@pytest.fixture(scope="module")
def quirky(tmp_path_factory) -> Path:
    """A landing zone with every oddity."""
    landing: Path = tmp_path_factory.mktemp("quirky") / "landing"
    generate(landing, scale=0.01, seed=3, quirks=True)
    return landing


@pytest.mark.parametrize("preset", PRESETS)
def test_s3_and_glue_give_the_same_rows_as_this_machine(cloud, quirky, tmp_path_factory, preset):
    here = Scenario(tmp_path_factory.mktemp("here"), {"preset": preset, "max_bad_share": 0.5, "landing": str(quirky)})
    assert here.run().success
    there = Cloud(cloud.folder, {"preset": preset, "max_bad_share": 0.5}, cloud.s3)
    for path in quirky.rglob("*"):
        if path.is_file():
            cloud.s3.put_object(Bucket=cloud.bucket, Key=f"landing/{path.relative_to(quirky)}", Body=path.read_bytes())
    result = there.run()
    assert result.success
    assert all(check.passed or check.severity.name == "WARN" for check in checks(result).values())
    for table in TABLES:
        assert content(there, table) == content(here, table), table
    question = "SELECT feed, file, line, position, reason, raw FROM quarantine ORDER BY ALL"
    assert there.query(question) == here.query(question)
    assert len(there.query(question)) > 20
