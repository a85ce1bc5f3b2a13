"""A run on one machine imports nothing of what only AWS or alerts need, and one with nothing new no engine either.

It would wait for it at every start.
"""

import subprocess
import sys

import pytest

from stedi_dagster_tests.defs.assets.builders import three_people
from stedi_dagster_tests.scenario import Scenario

# Apprise is of alerts only.
UNUSED = (
    "apprise",
    "boto3",
    "botocore",
    "dagster_aws",
    "sqlglot",
    "pyiceberg.catalog.glue",
    "stedi_dagster.report.page",
)
# What starts an engine, reads rows or raw files, or answers a question about them.
UNUSED_WITHOUT_NEWS = (
    *UNUSED,
    "dagster_graphql",
    "dagster_webserver",
    "duckdb",
    "fastavro",
    "jinja2",
    "pysail",
    "unicodedata2",
    "stedi_dagster.engines.sail",
    "stedi_dagster.engines.spark",
    "stedi_dagster.lakehouse.query",
)
RUN = """
from stedi_dagster.cli.run import run_everything
assert run_everything(as_json=True)
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory) -> Scenario:
    return three_people(tmp_path_factory.mktemp("imports"))


def imported(script: str, names: tuple[str, ...], scenario: Scenario) -> str:
    """Which of the modules a script imports, as the last line that it prints."""
    whole = f"import sys\n{script}\nprint([name for name in {names!r} if name in sys.modules])"
    environment = {"STEDI_HOME": str(scenario.home), "STEDI_LANDING": str(scenario.landing), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", whole], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def test_a_local_run_imports_nothing_of_aws_or_of_alerts_and_the_next_no_engine(scenario):
    assert imported(RUN, UNUSED, scenario) == "[]"
    assert imported(RUN, UNUSED_WITHOUT_NEWS, scenario) == "[]"


@pytest.mark.parametrize("module", ["stedi_dagster.cli.run", "stedi_dagster.definitions"])
def test_neither_do_the_command_and_what_dagster_loads(scenario, module):
    assert imported(f"import {module}", UNUSED_WITHOUT_NEWS, scenario) == "[]"


def test_the_command_shows_its_help_without_dagster_and_without_a_contract(scenario):
    libraries = ("dagster", "pandas", "pandera", "pyarrow", "pyiceberg", "pyspark", "sqlalchemy")
    assert imported("import stedi_dagster.cli.app", libraries, scenario) == "[]"
