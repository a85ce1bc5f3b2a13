"""The roles: every permission is a call that somebody makes, on the narrowest resource, for a reason that is given."""

import importlib.util
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

Template = dict[str, Any]

ROLES = ("OrchestratorRole", "ExecutionRole", "DataScientistRole", "AuditorRole", "FeedWriterRole")
FOR_TRAINING = ("machine_learning_curated", "ml_release", "release_revisions")
READERS = ("DataScientistRole", "AuditorRole", "FeedWriterRole")

# IAM's names that are not those of an operation: what each lets happen. iam:PassRole is a part of other calls.
OPERATIONS = {
    "s3:ListBucket": "ListObjectsV2",
    "s3:ListBucketVersions": "ListObjectVersions",
    "s3:DeleteObjectVersion": "DeleteObjects",
    "s3:GetObjectVersion": "GetObject",
    "iam:PassRole": None,
}
WITH_A_KEY = "NamesKey"


def several(value: Any) -> list[Any]:
    """IAM writes one thing without a list."""
    return value if isinstance(value, list) else [value]


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """What a role may do whatever the parameters are."""
    return [statement for statement in written(template, role) if "Fn::If" not in statement]


def written(template: Template, role: str) -> list[dict[str, Any]]:
    policies = template["Resources"][role]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def granted(template: Template, role: str) -> list[str]:
    return [action for statement in statements(template, role) for action in several(statement["Action"])]


def reasons(template: Template, role: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = template["Metadata"]["Permissions"][role]
    return found


def operation(action: str) -> tuple[str, str | None]:
    """The service and the operation of an action; None for iam:PassRole."""
    service, name = action.split(":")
    return service, OPERATIONS.get(action, name)


def sources(module: str) -> list[str]:
    """The sources of a module, or of every module of a package."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"there is no module {module}"
    assert spec.origin is not None
    origin = Path(spec.origin)
    files = origin.parent.rglob("*.py") if origin.name == "__init__.py" else [origin]
    return [file.read_text(encoding="utf-8") for file in files]


def calls(action: str, module: str) -> bool:
    """Whether a source names the service's client and makes the call: by method, or by name for a paginator."""
    service, name = operation(action)
    assert name is not None, f"{action} is no call"
    client = (f'"{service}"', service.upper().replace("-", "_"))  # in quotes, or as a constant
    call = (f".{xform_name(name)}(", f'"{xform_name(name)}"')
    versions = ("VersionId",) if action.endswith("ObjectVersion") else ("",)
    return any(
        all(any(word in text for word in words) for words in (client, call, versions)) for text in sources(module)
    )


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_has_a_reason_and_every_reason_a_permission(template, role):
    assert set(granted(template, role)) == set(reasons(template, role))
    for action, reason in reasons(template, role).items():
        assert set(reason) in ({"calls", "for"}, {"by", "for"}), action
        assert len(reason["for"]) > 8, action


def test_reasons_are_given_for_every_role_of_the_template(template):
    roles = {name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::IAM::Role"}
    assert roles == set(ROLES) == set(template["Metadata"]["Permissions"]) - {"Key"}
    others = {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::User"}
    assert others & {resource["Type"] for resource in template["Resources"].values()} == set()
    assert all("ManagedPolicyArns" not in template["Resources"][role]["Properties"] for role in roles)


@pytest.mark.parametrize("role", ROLES)
def test_no_permission_is_a_wildcard_and_none_is_on_every_resource(template, role):
    for statement in statements(template, role):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        for action in several(statement["Action"]):
            assert "*" not in action, statement["Sid"]
            assert "?" not in action, statement["Sid"]
        for resource in several(statement["Resource"]):
            assert bounded(resource), f"{statement['Sid']}: {resource}"


def bounded(resource: Any) -> bool:
    """Whether a resource is one of the stack's, or everything below one: at most a last segment is a wildcard."""
    if not isinstance(resource, dict):
        return False
    if "Fn::Sub" not in resource:
        return set(resource) <= {"Ref", "Fn::GetAtt"}
    pattern = resource["Fn::Sub"]
    text = pattern[0] if isinstance(pattern, list) else pattern
    fixed = text.removesuffix("/*")
    return "*" not in fixed and "?" not in fixed and "${" in fixed


@pytest.mark.parametrize(
    ("resource", "is_bounded"),
    [
        ("*", False),
        ({"Fn::Sub": "*"}, False),
        ({"Fn::Sub": "arn:aws:s3:::*"}, False),
        ({"Fn::Sub": "arn:${AWS::Partition}:glue:*:${AWS::AccountId}:catalog"}, False),
        ({"Fn::Sub": "${Bucket.Arn}*"}, False),
        ({"Fn::Sub": "${Bucket.Arn}/landing/*"}, True),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, True),
    ],
)
def test_the_test_of_resources_finds_wildcards(resource, is_bounded):
    assert bounded(resource) is is_bounded


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_is_an_operation_of_its_service(template, role):
    session = botocore.session.get_session()
    for action in granted(template, role):
        service, name = operation(action)
        if name is not None:
            assert name in session.get_service_model(service).operation_names, action


def test_every_permission_that_python_uses_is_called_there(template):
    """Reasons that name a module are looked up in its source; those of Spark, PyArrow's C++ and AWS cannot be."""
    found = {role: reasons(template, role) for role in ROLES}
    named = {action: reason["calls"] for role in ROLES for action, reason in found[role].items() if "calls" in reason}
    unused = {action for action, module in named.items() if not calls(action, module)}
    assert unused == set(), "granted, but nothing calls it"


def test_only_emr_serverless_can_be_given_the_execution_role(template):
    passing = [
        statement for statement in statements(template, "OrchestratorRole") if statement["Action"] == "iam:PassRole"
    ]
    assert len(passing) == 1
    assert passing[0]["Resource"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    assert passing[0]["Condition"] == {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}


def test_only_this_account_s_application_can_take_the_execution_role(template):
    (trust,) = template["Resources"]["ExecutionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"][0] == {"Fn::GetAtt": ["Application", "Arn"]}


def on(template: Template, role: str, below: str) -> set[str]:
    """What a role may do with objects below a prefix; everything is told by its widest prefix."""
    objects = {"Fn::Sub": f"${{Bucket.Arn}}/{below}"}
    found = [found for found in statements(template, role) if objects in several(found["Resource"])]
    return {action for statement in found for action in several(statement["Action"])}


def on_landing(template: Template, role: str) -> set[str]:
    return on(template, role, "landing/*")


def places(template: Template, role: str, *actions: str) -> set[str]:
    """The resources on which a role may do something."""
    found = [one for one in statements(template, role) if set(actions) & set(several(one["Action"]))]
    return {str(resource.get("Fn::Sub", resource)) for one in found for resource in several(one["Resource"])}


def test_a_data_scientist_reads_what_is_for_training_and_their_own_results(template):
    assert places(template, "DataScientistRole", "s3:GetObject") == {
        *(f"${{Bucket.Arn}}/warehouse/${{Database}}/{table}/*" for table in FOR_TRAINING),
        "${Bucket.Arn}/athena/research/*",
    }
    assert places(template, "DataScientistRole", "s3:PutObject") == {"${Bucket.Arn}/athena/research/*"}
    tables = places(template, "DataScientistRole", "glue:GetTable")
    assert {name.rpartition(":")[2] for name in tables if ":table/" in name} == {
        f"table/${{Database}}/{table}" for table in FOR_TRAINING
    }
    assert not any("Restricted" in name for name in tables)
    (listing,) = [one for one in statements(template, "DataScientistRole") if one["Action"] == "s3:ListBucket"]
    assert listing["Condition"]["StringLike"]["s3:prefix"] == [
        *({"Fn::Sub": f"warehouse/${{Database}}/{table}/*"} for table in FOR_TRAINING),
        "athena/research/*",
    ]
    assert {
        name.rpartition(":")[2] for name in places(template, "DataScientistRole", "athena:StartQueryExecution")
    } == {"workgroup/${ResearchWorkgroup}"}


def test_an_auditor_changes_nothing_but_the_lock_and_results(template):
    assert places(template, "AuditorRole", "s3:PutObject", "s3:DeleteObject") == {
        "${Bucket.Arn}/warehouse/_lock.json",
        "${Bucket.Arn}/athena/*",
    }
    assert on(template, "AuditorRole", "warehouse/*") == {"s3:GetObject", "s3:GetObjectVersion"}
    assert on_landing(template, "AuditorRole") == {"s3:GetObject", "s3:GetObjectVersion"}
    changing = ("Create", "Update", "Delete", "Put", "Start", "Publish", "Pass", "Terminate")
    assert {action for action in granted(template, "AuditorRole") if action.split(":")[1].startswith(changing)} == {
        "s3:PutObject",
        "s3:DeleteObject",
        "athena:StartQueryExecution",
    }


def test_a_writer_adds_to_one_feed_and_reads_nothing(template):
    assert granted(template, "FeedWriterRole") == ["s3:PutObject", "s3:AbortMultipartUpload"]
    assert places(template, "FeedWriterRole", "s3:PutObject") == {"${Bucket.Arn}/landing/${FeedWriterFeed}/landing/*"}


@pytest.mark.parametrize("role", READERS)
def test_a_reader_s_role_is_there_for_whoever_is_named_and_for_nobody_else(template, role):
    name = role.removesuffix("Role")
    assert template["Resources"][role]["Condition"] == f"Has{name}"
    assert template["Conditions"][f"Has{name}"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": f"{name}PrincipalArn"}, ""]}]}
    (trust,) = template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": {"Ref": f"{name}PrincipalArn"}}


@pytest.mark.parametrize("role", ["OrchestratorRole", "DataScientistRole", "AuditorRole"])
def test_whoever_asks_athena_may_look_for_the_database_default(template, role):
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html: required for all."""
    assert any(name.endswith(":database/default") for name in places(template, role, "glue:GetDatabase"))
    assert not any("default" in name for name in places(template, role, "glue:GetTable", "glue:CreateTable"))


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_use_a_key_of_the_customer_s_where_there_is_one(template, role):
    (by_parameter,) = [statement for statement in written(template, role) if "Fn::If" in statement]
    condition, statement, otherwise = by_parameter["Fn::If"]
    assert (condition, otherwise) == (WITH_A_KEY, {"Ref": "AWS::NoValue"})
    assert statement["Resource"] == {"Ref": "KmsKeyArn"}
    assert set(statement["Action"]) == set(reasons(template, "Key"))


def test_a_session_only_reads_landing(template):
    assert on_landing(template, "ExecutionRole") == {"s3:GetObject"}


def test_an_erasure_rewrites_raw_files_and_removes_old_versions_of_them_and_nothing_deletes_one(template):
    assert on_landing(template, "OrchestratorRole") == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:DeleteObjectVersion",
        "s3:AbortMultipartUpload",
    }


def test_a_session_deletes_no_version(template):
    """What a broken or hostile job removes can be brought back for NoncurrentDays."""
    assert "s3:DeleteObjectVersion" not in granted(template, "ExecutionRole")
