"""Who may take the platform's role: by parameters, whatever it runs on; and the roles are told by `make deploy`."""

import json
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from cfnlint.decode import cfn_yaml

from infra.stack import TEMPLATE
from stedi_dagster_tests.infra.commands import ACCOUNT, REGION, account, run_infra, run_stedi

Parameters = dict[str, str]
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
PROVIDER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
OF_THE_ACCOUNT = {"aws:SourceAccount": ACCOUNT}


def trust(**given: str) -> list[dict[str, Any]]:
    """Who may take the orchestrator's role, as CloudFormation makes it of the parameters."""
    template = cfn_yaml.load(str(TEMPLATE))
    role = template["Resources"]["OrchestratorRole"]
    # Parameters and conditions decide it, and nothing else of the template.
    alone = {
        "Parameters": template["Parameters"],
        "Conditions": template["Conditions"],
        "Resources": {"OrchestratorRole": {**role, "Properties": {**role["Properties"], "Policies": []}}},
    }
    with account():
        client = boto3.client("cloudformation", REGION)
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
        client.create_stack(StackName="one-role", TemplateBody=json.dumps(alone), Parameters=parameters)
        (made,) = boto3.client("iam", REGION).list_roles()["Roles"]
    document = made["AssumeRolePolicyDocument"]
    found = document if isinstance(document, dict) else json.loads(unquote(document))
    statements: list[dict[str, Any]] = found["Statement"]
    return [statement for statement in statements if statement]


def test_by_default_whoever_iam_lets_in_this_account():
    assert trust() == [ROOT]


def test_a_named_principal_takes_the_account_s_place():
    arn = f"arn:aws:iam::{ACCOUNT}:role/deployer"
    assert trust(OrchestratorPrincipalArn=arn) == [{**ROOT, "Principal": {"AWS": arn}}]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"RunsOn": "ecs"},
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": OF_THE_ACCOUNT,
                    "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
                },
            },
        ),
        (
            {"RunsOn": "ec2"},
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ),
        (
            {"RunsOn": "eks-pod-identity", "ServiceAccount": "data:lake"},
            {
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {
                        "aws:RequestTag/kubernetes-namespace": "data",
                        "aws:RequestTag/kubernetes-service-account": "lake",
                    }
                },
            },
        ),
        (
            {"RunsOn": "eks-irsa", "OidcProvider": PROVIDER, "ServiceAccount": "data:lake"},
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{PROVIDER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{PROVIDER}:sub": "system:serviceaccount:data:lake",
                        f"{PROVIDER}:aud": "sts.amazonaws.com",
                    }
                },
            },
        ),
    ],
    ids=["ecs", "ec2", "eks-pod-identity", "eks-irsa"],
)
def test_what_the_platform_runs_on_may_take_its_role_and_nothing_wider_may(parameters, expected):
    assert trust(**parameters) == [ROOT, expected]


def test_irsa_is_refused_without_its_provider(template):
    (rule,) = template["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "RunsOn"}, "eks-irsa"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "OidcProvider"}, ""]}]}


def test_an_ec2_instance_gets_a_profile_with_the_role(template):
    profile = template["Resources"]["OrchestratorInstanceProfile"]
    assert (profile["Condition"], profile["Properties"]) == ("OnEc2", {"Roles": [{"Ref": "OrchestratorRole"}]})


def test_deploy_tells_the_roles_and_settings_hold_none_of_them():
    who = [
        f"{name}PrincipalArn=arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("DataScientist", "Auditor", "FeedWriter")
    ]
    with account():
        given = [part for one in ("RunsOn=ec2", *who) for part in ("--parameter", one)]
        result = run_infra("deploy", "--name", "lake", *given)
        assert result.exit_code == 0, result.output
        told = dict(line.split(": ") for line in result.stderr.splitlines() if ": " in line)
        settings = run_stedi("settings", "--from-stack", "lake")
    assert set(told) == {
        "OrchestratorRoleArn",
        "OrchestratorInstanceProfileArn",
        "DataScientistRoleArn",
        "DataScientistWorkgroup",
        "AuditorRoleArn",
        "FeedWriterRoleArn",
    }
    assert told["AuditorRoleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/")
    assert told["DataScientistWorkgroup"] == "lake-research"
    assert settings.exit_code == 0, settings.output
    assert "RoleArn" not in settings.stdout.replace("EXECUTION_ROLE_ARN", "")
    assert "ORCHESTRATOR" not in settings.stdout
