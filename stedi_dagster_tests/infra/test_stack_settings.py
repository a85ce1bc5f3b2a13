"""The settings that come out of a deployed stack. The tests share one stack and only read it."""

import json
from ast import literal_eval
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from typer.testing import Result

from stedi_dagster.settings import Settings
from stedi_dagster_tests.infra.commands import ACCOUNT, BUCKET, REGION, Run, account, exported, run_infra, run_stedi


@pytest.fixture(scope="module")
def deployed() -> Iterator[Result]:
    """What `make deploy` printed."""
    with account():
        result = run_infra("deploy", "--name", "lake")
        assert result.exit_code == 0, result.output
        yield result


@pytest.fixture
def stedi(deployed: Result) -> Run:
    """Run `stedi` in this process, beside the stack."""
    return run_stedi


def parameters() -> dict[str, Any]:
    described = boto3.client("cloudformation", REGION).describe_stacks(StackName="lake")["Stacks"][0]
    return {pair["ParameterKey"]: pair["ParameterValue"] for pair in described["Parameters"]}


def test_deploy_creates_everything_and_prints_the_settings(deployed):
    assert f"The stack lake in {REGION} is deployed." in deployed.stderr
    values = exported(deployed.stdout)
    assert values["STEDI_WAREHOUSE"] == f"s3://{BUCKET}/warehouse"
    assert values["STEDI_LANDING"] == f"s3://{BUCKET}/landing"
    databases = boto3.client("glue", REGION).get_databases()["DatabaseList"]
    assert sorted(database["Name"] for database in databases) == ["stedi", "stedi_restricted"]
    found = boto3.client("emr-serverless", REGION).get_application(applicationId=values["STEDI_EMR_APPLICATION_ID"])
    assert found["application"]["releaseLabel"] == "emr-spark-8.0.0"
    assert found["application"]["maximumCapacity"] == {"cpu": "32 vCPU", "memory": "144 GB", "disk": "400 GB"}
    workgroup = boto3.client("athena", REGION).get_work_group(WorkGroup=values["STEDI_ATHENA_WORKGROUP"])["WorkGroup"]
    assert workgroup["Configuration"]["ResultConfiguration"]["OutputLocation"] == f"s3://{BUCKET}/athena/"
    assert values["STEDI_EMR_EXECUTION_ROLE_ARN"].startswith(f"arn:aws:iam::{ACCOUNT}:role/")


def test_the_platform_accepts_what_deploy_prints(deployed):
    values = {name.removeprefix("STEDI_").lower(): value for name, value in exported(deployed.stdout).items()}
    assert set(values) <= set(Settings.model_fields)
    settings = Settings.load(**values)
    assert (settings.engine, settings.catalog, settings.database) == ("emr-serverless", "glue", "stedi")


def test_the_roles_as_created_name_this_account_s_resources_only(deployed):
    iam = boto3.client("iam", REGION)
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
            # moto keeps the document as the text of a Python dictionary, and what is not there as None.
            for statement in filter(None, literal_eval(policy)["Statement"]):
                resources = statement["Resource"]
                for resource in resources if isinstance(resources, list) else [resources]:
                    assert ACCOUNT in resource, statement["Sid"]
                    assert "None" not in resource, statement["Sid"]


def test_the_region_s_prefix_list_of_s3_is_looked_up(deployed):
    found = boto3.client("ec2", REGION).describe_managed_prefix_lists(PrefixListIds=[parameters()["S3PrefixListId"]])
    assert found["PrefixLists"][0]["PrefixListName"] == f"com.amazonaws.{REGION}.s3"


def test_the_settings_can_be_read_from_the_stack_again(stedi, deployed):
    shell = stedi("settings", "--from-stack", "lake")
    assert exported(shell.stdout) == exported(deployed.stdout)
    as_json = stedi("settings", "--from-stack", "lake", "--region", REGION, "--json")
    assert json.loads(as_json.stdout) == exported(deployed.stdout)


def test_values_are_quoted_for_the_shell():
    from stedi_dagster.cli.settings import exports

    assert exports({"STEDI_HOME": "/a b/$c"}) == "export STEDI_HOME='/a b/$c'"


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ((), "The stack other in eu-west-1 does not exist: run `make deploy`"),
        (
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            "There are no AWS credentials for reading the stack other in eu-west-1. Set AWS_PROFILE",
        ),
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "No AWS region is set. Set AWS_REGION"),
    ],
)
def test_settings_of_a_stack_that_cannot_be_read_are_one_line(stedi, monkeypatch, without, said):
    for name in without:
        monkeypatch.delenv(name, raising=False)
    result = stedi("settings", "--from-stack", "other")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"StediDatabase": {"Value": "a"}, "VpcId": {"Value": "b"}}, "has outputs that are not settings: VpcId"),
        ({}, "has no outputs, its status is CREATE_COMPLETE"),
    ],
)
def test_a_stack_that_holds_no_settings_is_refused(stedi, outputs, said):
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "topic"}}
    name = f"foreign-{len(outputs)}"
    body = json.dumps({"Resources": {"Topic": topic}, "Outputs": outputs})
    boto3.client("cloudformation", REGION).create_stack(StackName=name, TemplateBody=body)
    result = stedi("settings", "--from-stack", name)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_region_without_a_stack_is_a_usage_error(stedi):
    result = stedi("settings", "--region", REGION)
    assert result.exit_code == 2
    assert "--from-stack" in result.stderr
