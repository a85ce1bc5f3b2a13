"""A run on one machine imports nothing of what only AWS or alerts need: it would wait for it at every start."""

import subprocess
import sys

from stedi_dagster_tests.defs.assets.builders import three_people

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


def test_a_local_run_imports_nothing_of_aws_or_of_alerts(tmp_path):
    scenario = three_people(tmp_path)
    script = f"""
import sys
from stedi_dagster.cli.run import run_everything
assert run_everything(as_json=True)
print([name for name in {UNUSED!r} if name in sys.modules])
"""
    environment = {"STEDI_HOME": str(scenario.home), "STEDI_LANDING": str(scenario.landing), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
