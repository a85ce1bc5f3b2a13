"""The whole pipeline on S3 and Glue: the same rows as on this machine, and tables that others can read."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from stedi_dagster.cli.sql import run_query
from stedi_dagster.cli.tables import list_tables
from stedi_dagster.contracts import TABLES
from stedi_dagster.lakehouse.checksums import Damage, damaged_files
from stedi_dagster.sample import generate
from stedi_dagster.settings.policy import PRESETS
from stedi_dagster_tests.aws.cloud import REGION, Cloud
from stedi_dagster_tests.defs.assets.builders import contents, failure, land_three_people, orphans, snapshots
from stedi_dagster_tests.scenario import Scenario, checks, customer

pytestmark = pytest.mark.long

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


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """A small landing zone of one well-formed file a feed."""
    landing: Path = tmp_path_factory.mktemp("plain") / "landing"
    generate(landing, scale=0.01, seed=3)
    return landing


def both(cloud: Cloud, landing: Path, home: Path, **settings: object) -> tuple[Scenario, Cloud]:
    """A run on this machine and one on S3 and Glue, of the same landing zone."""
    here = Scenario(home, {"landing": str(landing), **settings})
    there = replace(cloud, settings=settings)
    for scenario in (here, there):
        result = scenario.run()
        assert result.success
        assert all(check.passed or check.severity.name == "WARN" for check in checks(result).values())
    for table in TABLES:
        assert content(there, table) == content(here, table), (table, settings)
    return here, there


def test_s3_and_glue_give_the_same_rows_as_this_machine_under_every_preset(cloud, plain, tmp_path_factory):
    cloud.upload(plain)
    home = tmp_path_factory.mktemp("here")
    # One after the other in the same lakehouse: what has landed is there, and each preset then selects from it.
    for preset in PRESETS:
        both(cloud, plain, home, preset=preset)


def test_every_oddity_of_a_landing_zone_is_read_from_s3_as_from_this_machine(cloud, quirky, tmp_path_factory):
    cloud.upload(quirky)
    here, there = both(cloud, quirky, tmp_path_factory.mktemp("here"), max_bad_share=0.5)
    question = "SELECT feed, file, line, position, reason, raw FROM quarantine ORDER BY ALL"
    assert there.query(question) == here.query(question)
    assert len(there.query(question)) > 20


def test_a_run_over_unchanged_objects_changes_nothing(cloud):
    land_three_people(cloud)
    cloud.upload()
    assert cloud.run().success
    before = cloud.files(), contents(cloud), snapshots(cloud)
    assert cloud.run().success
    assert (cloud.files(), contents(cloud), snapshots(cloud)) == before
    assert orphans(cloud) == set()
    cloud.land("customer", customer("dan@example.com"), name="later.json")
    cloud.upload()
    assert cloud.run().success
    assert len(cloud.rows("customer_trusted")) == 3


def test_objects_that_are_altered_or_gone_are_found_by_the_audit(cloud, s3):
    land_three_people(cloud)
    cloud.upload()
    assert cloud.run().success
    lake = cloud.lakehouse()

    def damages() -> dict[str, dict[str, Damage] | None]:
        found = {table.name()[-1]: damaged_files(table, lake.storage) for table in lake.own_tables()}
        return {name: damage for name, damage in found.items() if damage != {}}

    assert damages() == {}
    expected: dict[str, dict[str, Damage]] = {}
    for name, damage in (("customers_curated", Damage.ALTERED), ("customer_trusted", Damage.GONE)):
        snapshot = lake.read(name, TABLES[name])
        assert snapshot is not None
        [path] = snapshot.files.paths
        key = path.removeprefix(f"s3://{cloud.bucket}/")
        content = s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read()
        s3.delete_object(Bucket=cloud.bucket, Key=key)
        if damage is Damage.ALTERED:
            s3.put_object(Bucket=cloud.bucket, Key=key, Body=content[:-9] + bytes(9))
        expected[name] = {path.removeprefix(f"{lake.location_of(name)}/"): damage}
    assert damages() == expected


def test_each_table_stands_in_glue_with_columns_types_descriptions_and_location(cloud):
    land_three_people(cloud)
    cloud.upload()
    assert cloud.run(database="balance").success
    glue = boto3.client("glue", REGION)
    for name, contract in TABLES.items():
        table = glue.get_table(DatabaseName="balance", Name=name)["Table"]
        columns = {column["Name"]: column for column in table["StorageDescriptor"]["Columns"]}
        assert list(columns) == contract.names()
        kinds = {"string": "string", "bigint": "bigint", "double": "double", "boolean": "boolean"}
        for spec in contract.columns():
            assert columns[spec.name]["Type"] == kinds[spec.type.simpleString()]
            assert columns[spec.name]["Comment"] == spec.meaning
            # Glue refuses longer ones.
            assert len(spec.meaning) <= 255
        assert table["Description"] == contract.description()
        assert table["StorageDescriptor"]["Location"] == f"s3://{cloud.bucket}/warehouse/balance/{name}"
        assert table["Parameters"]["table_type"] == "ICEBERG"
    restricted = glue.get_tables(DatabaseName="balance_restricted")["TableList"]
    assert {table["Name"] for table in restricted} >= {"participants", "customer_quarantine"}


def test_another_process_reads_the_tables_with_nothing_of_ours(cloud):
    land_three_people(cloud)
    cloud.upload()
    assert cloud.run().success
    script = """
from pyiceberg.catalog.glue import GlueCatalog
from pyarrow import dataset, fs
import os
url = os.environ["AWS_ENDPOINT_URL"]
catalog = GlueCatalog("any", **{"glue.endpoint": url, "s3.endpoint": url, "s3.region": os.environ["AWS_REGION"]})
table = catalog.load_table("stedi.machine_learning_curated")
paths = [task.file.file_path.removeprefix("s3://") for task in table.scan().plan_files()]
files = dataset.dataset(paths, filesystem=fs.S3FileSystem(endpoint_override=url, region=os.environ["AWS_REGION"]))
print(table.scan().to_arrow().num_rows, files.count_rows())
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["4", "4"]


def test_the_commands_read_s3_and_glue(cloud, monkeypatch, capsys):
    land_three_people(cloud)
    cloud.upload()
    assert cloud.run().success
    for name in ("home", "catalog", "warehouse", "landing"):
        monkeypatch.setenv(f"STEDI_{name.upper()}", str(getattr(cloud.load_settings(), name)))
    list_tables(as_json=True)
    listed = {table["table"]: table for table in json.loads(capsys.readouterr().out)}
    assert {name: table["rows"] for name, table in listed.items()}["machine_learning_curated"] == 4
    assert listed["customer_trusted"]["location"] == f"s3://{cloud.bucket}/warehouse/stedi/customer_trusted"
    run_query("SELECT count(*) AS people FROM customer_trusted", as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"people": 2}]


def test_a_landing_prefix_without_files_is_named(cloud):
    result = cloud.run()
    assert not result.success
    assert f"s3://{cloud.bucket}/landing/customer/landing" in failure(result, "customer_landing")
