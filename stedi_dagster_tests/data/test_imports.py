"""Who opens a table loads neither Dagster nor an engine, and what reads tables only when one is read."""

import subprocess
import sys

import pytest

from stedi_dagster_tests.data.builders import measured, publish

HEAVY = ("dagster", "dagster_aws", "grpc", "pandera", "pyspark", "pysail", "sqlglot", "stedi_dagster.contracts")
FOR_READING = ("boto3", "duckdb", "numpy", "pandas", "polars", "pyarrow", "pydantic", "pyiceberg", "sqlalchemy")
READ = """
from stedi_dagster import data
tables = data.open()
assert tables.names() == ["machine_learning_curated"]
reading = tables.table("machine_learning_curated", columns=["x"], where="x > 1", at=AT)
assert reading.to_arrow()["x"].to_pylist() == [2.0]
assert reading.rows == sum(batch.num_rows for batch in reading.to_batches()) == len(reading.to_pandas()) == 1
assert reading.schema["x"].unit
"""


def imported(script: str, names: tuple[str, ...], home: str) -> str:
    whole = f"import sys\n{script}\nprint([name for name in {names!r} if name in sys.modules])"
    environment = {"STEDI_HOME": home, "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", whole], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def test_the_module_alone_loads_nothing_that_reads(tmp_path):
    script = "import stedi_dagster.data"
    assert imported(script, (*HEAVY, *FOR_READING), str(tmp_path)) == "[]"


@pytest.mark.parametrize("at", [False, True])
def test_a_table_is_read_without_dagster_and_without_an_engine(lake, at):
    publish(lake, measured(1.0, 2.0))
    script = f"from datetime import UTC, datetime\nAT = {'datetime.now(UTC)' if at else None}\n{READ}"
    assert imported(script, (*HEAVY, "boto3"), str(lake.home)) == "[]"
