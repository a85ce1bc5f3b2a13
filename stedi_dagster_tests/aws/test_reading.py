"""The tables for data scientists, on S3 and Glue: read as on a disk, and nothing is made."""

import boto3
import pytest

from stedi_dagster import data
from stedi_dagster.errors import AwsError, StediError
from stedi_dagster_tests.aws import gate
from stedi_dagster_tests.aws.cloud import REGION, Cloud, environment
from stedi_dagster_tests.data.builders import NAME, add, measured, moment_of, publish

WAREHOUSE = f"s3://{Cloud.bucket}/warehouse"


def test_a_table_is_read_at_any_moment_and_nothing_is_written(cloud):
    lake = cloud.lakehouse()
    first = publish(lake, measured(1.0, 2.0))
    add(lake, measured(3.0))
    files, tables = cloud.files(), versions()
    opened = data.open(catalog="glue", warehouse=WAREHOUSE)
    assert opened.names() == [NAME]
    reading = opened.table(NAME, columns=["x"], where="x > 1")
    assert sorted(reading.to_arrow()["x"].to_pylist()) == [2.0, 3.0]
    assert sorted(reading.to_polars().collect()["x"]) == sorted(reading.to_pandas()["x"]) == [2.0, 3.0]
    assert opened.table(NAME, at=moment_of(lake, first)).rows == 2
    assert "glue, s3://" in repr(opened)
    assert (cloud.files(), versions()) == (files, tables)
    assert not cloud.home.exists()


def test_the_settings_say_where(cloud, monkeypatch):
    publish(cloud.lakehouse(), measured(1.0))
    monkeypatch.setenv("STEDI_CATALOG", "glue")
    monkeypatch.setenv("STEDI_WAREHOUSE", WAREHOUSE)
    assert data.open().table(NAME).rows == 1


def test_no_database_is_made_in_an_empty_account(cloud):
    with pytest.raises(StediError, match=r"There is no lakehouse in the database stedi of the catalog \(Glue\)"):
        data.open(catalog="glue", warehouse=WAREHOUSE)
    assert boto3.client("glue", REGION).get_databases()["DatabaseList"] == []
    assert cloud.files() == set()


def test_what_is_for_operators_is_refused(cloud):
    publish(cloud.lakehouse(), measured(1.0))
    with pytest.raises(StediError, match=f"There is no table 'participants' to read: there are {NAME}"):
        data.open(catalog="glue", warehouse=WAREHOUSE).table("participants")


@pytest.mark.parametrize("parameters", [{}, {"table_type": "EXTERNAL"}, {"table_type": "ICEBERG"}])
def test_a_table_of_somebody_else_is_not_of_the_product(cloud, parameters):
    publish(cloud.lakehouse(), measured(1.0))
    boto3.client("glue", REGION).create_table(
        DatabaseName="stedi", TableInput={"Name": "theirs", "Parameters": parameters}
    )
    tables = data.open(catalog="glue", warehouse=WAREHOUSE)
    with pytest.raises(StediError, match="There is no table 'theirs' to read"):
        tables.table("theirs")
    assert tables.names() == [NAME]


def test_a_file_that_is_gone_is_a_sentence(cloud):
    publish(cloud.lakehouse(), measured(1.0))
    reading = data.open(catalog="glue", warehouse=WAREHOUSE).table(NAME)
    for file in cloud.files():
        if file.endswith(".parquet"):
            cloud.s3.delete_object(Bucket=Cloud.bucket, Key=file.removeprefix(f"s3://{Cloud.bucket}/"))
    with pytest.raises(StediError, match=r"A file of snapshot \d+ of machine_learning_curated is gone"):
        reading.to_arrow()


def versions() -> dict[str, str]:
    """Which metadata every table in Glue has."""
    glue = boto3.client("glue", REGION)
    return {
        f"{database['Name']}.{table['Name']}": table["Parameters"]["metadata_location"]
        for database in glue.get_databases()["DatabaseList"]
        for table in glue.get_tables(DatabaseName=database["Name"])["TableList"]
    }


def test_the_data_scientist_s_role_is_enough(cloud, moto_url, monkeypatch):
    """It may find and read one table (`DataScientistRole` of infra/stack.yaml), list no others, and write nothing."""
    publish(cloud.lakehouse(), measured(1.0))
    with gate.opened(moto_url) as standing_before:
        for name, value in environment(standing_before.url).items():
            monkeypatch.setenv(name, value)
        standing_before.fault = gate.always(gate.DENIED, where=lambda request: not may_read_one_table(request))
        tables = data.open(catalog="glue", warehouse=WAREHOUSE)
        assert tables.table(NAME, where="x > 0").to_arrow()["x"].to_pylist() == [1.0]
        with pytest.raises(AwsError, match=r"the credentials may not call GetTables"):
            tables.names()


def may_read_one_table(request: gate.Request) -> bool:
    if request.target:
        return request.target.rpartition(".")[2] in {"GetDatabase", "GetTable"}
    return request.method in {"GET", "HEAD"} and f"/warehouse/stedi/{NAME}/" in request.path
