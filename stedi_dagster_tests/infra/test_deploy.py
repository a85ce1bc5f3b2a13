"""`make deploy` again, with other parameters and when it fails; `make destroy`, with and without the data."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import WaiterError
from moto.cloudformation.models import cloudformation_backends

from infra.stack import Stack
from stedi_dagster_tests.infra.commands import ACCOUNT, BUCKET, REGION


def databases() -> list[str]:
    return sorted(database["Name"] for database in boto3.client("glue", REGION).get_databases()["DatabaseList"])


def buckets() -> list[str]:
    return [bucket["Name"] for bucket in boto3.client("s3", REGION).list_buckets()["Buckets"]]


def open_bucket() -> Any:
    """The bucket for the test's own requests: moto takes a policy's conditions for true, and so denies them."""
    s3 = boto3.client("s3", REGION)
    s3.delete_bucket_policy(Bucket=BUCKET)
    return s3


@pytest.fixture
def deployed(infra):
    result = infra("deploy", "--name", "lake")
    assert result.exit_code == 0, result.output
    return result


def test_a_second_deploy_finds_nothing_to_do_and_prints_the_settings_all_the_same(deployed, infra):
    again = infra("deploy", "--name", "lake")
    assert again.exit_code == 0, again.output
    assert "is up to date" in again.stderr
    assert again.stdout == deployed.stdout


def test_an_update_keeps_the_parameters_that_are_not_given(infra):
    infra("deploy", "--name", "lake", "--parameter", "DatabaseName=balance")
    result = infra("deploy", "--name", "lake", "--parameter", "MaxVcpu=8")
    assert result.exit_code == 0, result.output
    assert "is deployed" in result.stderr
    described = boto3.client("cloudformation", REGION).describe_stacks(StackName="lake")["Stacks"][0]
    values = {pair["ParameterKey"]: pair["ParameterValue"] for pair in described["Parameters"]}
    assert (values["DatabaseName"], str(values["MaxVcpu"])) == ("balance", "8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--parameter", "Colour=red"], "There is no parameter Colour"),
        (["--parameter", "Colour"], "is not NAME=VALUE"),
        (["--name", "Lake"], "cannot be called 'Lake'"),
        (["--name", "l" * 31], "at most 29"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_made(infra, arguments, said):
    result = infra("deploy", *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert buckets() == []


def test_a_failed_deploy_names_what_failed_and_why(infra, monkeypatch):
    """moto's stacks never fail, so the events are as CloudFormation reports a failure, newest first."""
    events = [
        ("2", "lake", "AWS::CloudFormation::Stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
        ("1", "Workgroup", "AWS::Athena::WorkGroup", "CREATE_FAILED", "Resource creation cancelled"),
        ("0", "Application", "AWS::EMRServerless::Application", "CREATE_FAILED", "Release label is not known"),
    ]
    keys = ("EventId", "LogicalResourceId", "ResourceType", "ResourceStatus", "ResourceStatusReason")

    class Failing:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name):
            return getattr(self._client, name)

        def get_waiter(self, name):
            if name == "stack_create_complete":
                raise WaiterError(name, "ROLLBACK_COMPLETE", {})
            return self._client.get_waiter(name)

        def get_paginator(self, name):
            assert name == "describe_stack_events"
            return self

        def paginate(self, **_):
            return [{"StackEvents": [dict(zip(keys, event, strict=True)) for event in events]}]

    made = Stack.__init__

    def failing(self, *arguments):
        made(self, *arguments)
        self._cloudformation = Failing(self._cloudformation)

    monkeypatch.setattr(Stack, "__init__", failing)
    result = infra("deploy", "--name", "lake")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"infra: The stack lake in {REGION} failed:",
        "  Application (AWS::EMRServerless::Application): Release label is not known",
    ]


def test_destroy_asks_and_without_anybody_to_ask_it_refuses(deployed, infra):
    result = infra("destroy", "--name", "lake")
    assert result.exit_code == 1
    assert "--yes" in result.stderr
    assert boto3.client("cloudformation", REGION).describe_stacks(StackName="lake")["Stacks"]


@pytest.mark.parametrize(("typed", "code"), [("yes\n", 1), ("lake\n", 0)])
def test_destroy_asks_for_the_stack_s_name(deployed, infra, monkeypatch, typed, code):
    monkeypatch.setattr("infra.__main__._is_interactive", lambda: True)
    result = infra("destroy", "--name", "lake", typed=typed)
    assert result.exit_code == code, result.output
    assert ("nothing is deleted" in result.stderr) is bool(code)


def test_a_stack_whose_creation_failed_must_be_destroyed_first(deployed, infra):
    (stack,) = cloudformation_backends[ACCOUNT][REGION].stacks.values()
    stack.status = "ROLLBACK_COMPLETE"
    result = infra("deploy", "--name", "lake")
    assert result.exit_code == 1
    assert "was never created (ROLLBACK_COMPLETE): run destroy, then deploy again" in result.stderr


def test_destroy_keeps_the_data_and_says_so(deployed, infra):
    open_bucket().put_object(Bucket=BUCKET, Key="warehouse/file", Body=b"rows")
    result = infra("destroy", "--name", "lake", "--yes")
    assert result.exit_code == 0, result.output
    assert f"Its data is kept, at the cost of S3's storage: the bucket {BUCKET}" in result.stderr
    assert (buckets(), databases()) == ([BUCKET], ["stedi", "stedi_restricted"])
    applications = boto3.client("emr-serverless", REGION).list_applications()["applications"]
    assert [application["state"] for application in applications] == ["TERMINATED"]
    assert [group["Name"] for group in boto3.client("athena", REGION).list_work_groups()["WorkGroups"]] == ["primary"]
    assert boto3.client("iam", REGION).list_roles()["Roles"] == []


def test_a_later_deploy_takes_the_data_back(deployed, infra):
    open_bucket().put_object(Bucket=BUCKET, Key="warehouse/file", Body=b"rows")
    infra("destroy", "--name", "lake", "--yes")
    again = infra("deploy", "--name", "lake")
    assert again.exit_code == 0, again.output
    assert f"STEDI_WAREHOUSE=s3://{BUCKET}/warehouse" in again.stdout
    assert open_bucket().list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
    assert (buckets(), databases()) == ([BUCKET], ["stedi", "stedi_restricted"])


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ([], [f"BucketName: {BUCKET}", "DatabaseName: stedi", "DatabaseName: stedi_restricted"]),
        (
            ["--parameter", "BucketName=my-lake", "--parameter", "DatabaseName=balance"],
            ["BucketName: my-lake", "DatabaseName: balance", "DatabaseName: balance_restricted"],
        ),
    ],
)
def test_names_of_what_may_exist_are_written_out_because_aws_takes_back_nothing_else(infra, parameters, names):
    """AWS: "The resource must have a static custom name ... Dynamic names are not currently supported"."""
    assert infra("deploy", "--name", "lake", *parameters).exit_code == 0
    body = boto3.client("cloudformation", REGION).get_template(StackName="lake")["TemplateBody"]
    lines = [line.strip() for line in str(body).splitlines()]
    assert [line for line in lines if line in names] == names
    assert " # = " not in str(body)


def test_destroy_deletes_the_data_with_every_version_if_told_to(deployed, infra):
    s3 = open_bucket()
    # moto's CloudFormation does not turn versioning on.
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in [f"warehouse/{number}" for number in range(1001)]:  # a page holds 1,000 versions
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"rows")
    s3.put_object(Bucket=BUCKET, Key="warehouse/1", Body=b"other rows")
    s3.delete_object(Bucket=BUCKET, Key="warehouse/2")
    result = infra("destroy", "--name", "lake", "--yes", "--delete-data")
    assert result.exit_code == 0, result.output
    assert f"Its data is deleted: the bucket {BUCKET}, the Glue database stedi" in result.stderr
    assert (buckets(), databases()) == ([], [])


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_without_credentials_it_says_what_to_do(infra, monkeypatch, command):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = infra(command)
    assert result.exit_code == 1
    assert "There are no AWS credentials" in result.stderr


def test_a_stack_that_does_not_exist_cannot_be_destroyed(infra):
    result = infra("destroy", "--yes")
    assert (result.exit_code, result.stderr) == (1, f"infra: The stack stedi in {REGION} does not exist.\n")
