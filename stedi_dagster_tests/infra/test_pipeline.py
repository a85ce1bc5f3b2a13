"""The stack is enough: what its outputs say, with nothing added but an engine, makes the eight tables."""

from collections.abc import Iterator

import boto3
import pytest

from stedi_dagster.cli.settings import read_stack
from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.aws.cloud import Cloud, environment
from stedi_dagster_tests.defs.assets.builders import land_three_people
from stedi_dagster_tests.infra import moto_extensions
from stedi_dagster_tests.infra.commands import BUCKET, REGION, run_infra


class Lake(Cloud):
    """A scenario in the stack's bucket."""

    bucket = BUCKET


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A moto server in this process, which knows every resource of the template: engines reach it by HTTP."""
    moto_extensions.install(monkeypatch)
    with moto_extensions.empty_account() as endpoint:
        for name, value in environment(endpoint).items():
            monkeypatch.setenv(name, value)
        yield endpoint


def test_the_pipeline_runs_with_what_the_outputs_of_the_stack_say(server, tmp_path):
    deployed = run_infra("deploy", "--name", "lake")
    assert deployed.exit_code == 0, deployed.output
    found = {name.removeprefix("STEDI_").lower(): value for name, value in read_stack("lake", None).items()}
    s3 = boto3.client("s3", REGION)
    # moto takes a policy's conditions for true, and so would deny everything.
    s3.delete_bucket_policy(Bucket=BUCKET)
    lake = Lake(tmp_path, {**found, "engine": "sail"}, s3)
    land_three_people(lake)
    lake.upload()
    result = lake.run()
    failed = [event.step_failure_data.error_display_string for event in result.all_events if event.is_step_failure]
    assert result.success, failed
    assert {table: len(lake.rows(table)) for table in TABLES}["machine_learning_curated"] == 4
    glue = boto3.client("glue", REGION)
    assert {table["Name"] for table in glue.get_tables(DatabaseName=found["database"])["TableList"]} == set(TABLES)
