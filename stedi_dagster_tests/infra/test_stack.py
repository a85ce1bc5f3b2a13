"""What the template says: the properties that keep data private, whole and cheap, read from it and from cfn-lint."""

import re

import pytest
from cfnlint.api import lint_file

from infra.stack import TEMPLATE
from stedi_dagster.cli.settings import _ROLES, variable
from stedi_dagster.settings import Settings
from stedi_dagster_tests.infra import moto_extensions


@pytest.fixture
def properties(template):
    """The properties of a resource."""
    return lambda name: template["Resources"][name].get("Properties", {})


def test_cfn_lint_has_nothing_to_say():
    assert [str(match) for match in lint_file(TEMPLATE)] == []


def test_outputs_are_settings_or_name_who_may_use_the_lakehouse(template):
    others = {output for output in template["Outputs"] if not output.startswith("Stedi")}
    assert others == _ROLES


def test_outputs_of_the_platform_s_name_are_settings(template):
    names = {
        variable(output).removeprefix("STEDI_").lower() for output in template["Outputs"] if output.startswith("Stedi")
    }
    assert names <= set(Settings.model_fields)
    assert names == {
        "catalog",
        "database",
        "warehouse",
        "landing",
        "engine",
        "emr_application_id",
        "emr_execution_role_arn",
        "athena_workgroup",
        "compute_logs",
        "alert_topic_arn",
    }


def test_output_names_become_variables_by_rule():
    assert variable("StediEmrApplicationId") == "STEDI_EMR_APPLICATION_ID"
    assert variable("StediCatalog") == "STEDI_CATALOG"


def test_every_parameter_has_a_default_and_a_description(template):
    for name, parameter in template["Parameters"].items():
        assert "Default" in parameter, name
        assert len(parameter["Description"]) > 20, name


def test_the_bucket_is_encrypted_private_and_versioned(properties):
    bucket = properties("Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    condition, with_key, without = rule["Fn::If"]
    assert condition == "NamesKey"
    assert with_key["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Ref": "KmsKeyArn"},
    }
    assert with_key["BucketKeyEnabled"] is True  # one request to KMS for many objects
    assert without == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    blocked = bucket["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert all(blocked.values())
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_the_bucket_takes_no_request_without_tls(properties):
    statement = properties("BucketPolicy")["PolicyDocument"]["Statement"][0]
    assert statement["Effect"] == "Deny"
    assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2  # the bucket and its objects


def test_old_versions_abandoned_uploads_results_and_logs_expire(properties):
    rules = {rule["Id"]: rule for rule in properties("Bucket")["LifecycleConfiguration"]["Rules"]}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
    assert rules["noncurrent-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": {"Ref": "NoncurrentDays"}}
    assert "Prefix" not in rules["noncurrent-versions"]
    assert rules["abandoned-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert "Prefix" not in rules["abandoned-uploads"]
    # Nothing current expires elsewhere: landing and warehouse are kept.
    expiring = {rule["Prefix"] for rule in rules.values() if "ExpirationInDays" in rule}
    assert expiring == {"athena/", "logs/"}


def test_access_is_logged_to_a_bucket_of_the_customer_s_if_there_is_one(properties):
    condition, logged, otherwise = properties("Bucket")["LoggingConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("LogsAccess", {"Ref": "AWS::NoValue"})
    assert logged == {
        "DestinationBucketName": {"Ref": "AccessLogBucket"},
        "LogFilePrefix": {"Fn::Sub": "${AWS::StackName}/"},
    }


def test_what_holds_data_outlives_the_stack(template):
    kept = {name for name, resource in template["Resources"].items() if resource.get("DeletionPolicy") == "Retain"}
    assert kept == {"Bucket", "Database", "RestrictedDatabase"}
    assert all(template["Resources"][name]["UpdateReplacePolicy"] == "Retain" for name in kept)


def test_the_network_leads_to_s3_and_to_nowhere_else(template, properties):
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert types & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"} == set()
    endpoint = properties("S3Endpoint")
    assert (endpoint["VpcEndpointType"], endpoint["RouteTableIds"]) == ("Gateway", [{"Ref": "RouteTable"}])
    assert endpoint["ServiceName"] == {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"}
    for subnet in ("SubnetA", "SubnetB"):
        assert properties(subnet)["MapPublicIpOnLaunch"] is False
        assert properties(f"{subnet}Routes") == {"SubnetId": {"Ref": subnet}, "RouteTableId": {"Ref": "RouteTable"}}


def test_nothing_reaches_a_session_and_it_reaches_s3_by_https(properties):
    group = properties("SecurityGroup")
    assert "SecurityGroupIngress" not in group
    (_, to_s3, without_its_prefix_list) = group["SecurityGroupEgress"][0]["Fn::If"]
    assert to_s3["DestinationPrefixListId"] == {"Ref": "S3PrefixListId"}
    for rule in (to_s3, without_its_prefix_list):
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)


def test_the_application_offers_sessions_in_that_network_stops_by_itself_and_has_a_limit(properties):
    application = properties("Application")
    assert application["ReleaseLabel"] == "emr-spark-8.0.0"
    assert application["InteractiveConfiguration"] == {"SessionEnabled": True}
    assert application["AutoStopConfiguration"]["Enabled"] is True
    assert set(application["MaximumCapacity"]) == {"Cpu", "Memory", "Disk"}
    assert application["NetworkConfiguration"]["SubnetIds"] == [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]
    assert "InitialCapacity" not in application  # it would cost while nothing runs


@pytest.mark.parametrize(("workgroup", "prefix"), [("Workgroup", "athena/"), ("ResearchWorkgroup", "athena/research/")])
def test_athena_writes_encrypted_results_to_its_own_prefix_and_has_a_scan_limit(properties, workgroup, prefix):
    configuration = properties(workgroup)["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == {"Ref": "ScanLimitBytes"}
    result = configuration["ResultConfiguration"]
    assert result["OutputLocation"] == {"Fn::Sub": f"s3://${{Bucket}}/{prefix}"}
    assert result["EncryptionConfiguration"]["Fn::If"] == [
        "NamesKey",
        {"EncryptionOption": "SSE_KMS", "KmsKey": {"Ref": "KmsKeyArn"}},
        {"EncryptionOption": "SSE_S3"},
    ]


def test_alerts_have_an_encrypted_topic(properties):
    assert properties("AlertTopic")["KmsMasterKeyId"] == "alias/aws/sns"


def test_moto_is_extended_by_exactly_the_types_that_it_does_not_know(template):
    """So that what the deployment tests replace is as little as possible, and is noticed when moto learns a type."""
    needed = {resource["Type"] for resource in template["Resources"].values()}
    assert needed - moto_extensions.known_to_moto() == set(moto_extensions.EXTENSIONS)
    assert set(moto_extensions.EXTENSIONS) == {
        "AWS::Athena::WorkGroup",
        "AWS::EMRServerless::Application",
        "AWS::Glue::Database",
        "AWS::S3::BucketPolicy",
    }


def test_the_template_names_no_account_and_holds_no_key():
    text = TEMPLATE.read_text(encoding="utf-8")
    assert re.findall(r"\b[0-9]{12}\b|AKIA[0-9A-Z]{16}", text) == []
