"""`stedi settings`: the settings in force, and those that a CloudFormation stack's outputs hold."""

import json
import re
import shlex

from pydantic import SecretStr

from stedi_dagster.cli.grid import show
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings

_PREFIX = "STEDI_"
# Outputs of infra/stack.yaml that name who may use the lakehouse, and are not settings.
_ROLES = {
    "OrchestratorRoleArn",
    "OrchestratorInstanceProfileArn",
    "DataScientistRoleArn",
    "DataScientistWorkgroup",
    "AuditorRoleArn",
    "FeedWriterRoleArn",
}
_INNER_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def list_settings(*, as_json: bool) -> None:
    """Print every setting: its variable, its value now, what it means.

    Raises:
        SettingsError: a setting is not allowed.
    """
    settings = Settings.load()
    rules = settings.policy.model_dump()
    rows = []
    for name, spec in Settings.model_fields.items():
        value = getattr(settings, name)
        if name == "warehouse":
            value = settings.warehouse_location
        rows.append(
            {
                "setting": f"{_PREFIX}{name.upper()}",
                "value": _shown(rules.get(name) if value is None else value),
                "meaning": spec.description,
            }
        )
    show(rows, as_json=as_json)


def list_stack_settings(stack: str, region: str | None, *, as_json: bool) -> None:
    """Print a stack's settings as `export` lines for a shell, or as a JSON object.

    Raises:
        StediError: the stack cannot be read, or an output is not a setting.
    """
    found = read_stack(stack, region)
    print(json.dumps(found, indent=2) if as_json else exports(found))  # noqa: T201


def read_stack(stack: str, region: str | None) -> dict[str, str]:
    """The settings in a CloudFormation stack's outputs, by their variables.

    Raises:
        StediError: the stack does not exist, it has no outputs, or one that is not a setting.
        AwsError: there is no region, there are no credentials, or AWS refused.
    """
    return {variable(name): value for name, value in _outputs(stack, region).items() if name not in _ROLES}


def read_roles(stack: str, region: str | None) -> dict[str, str]:
    """The roles in a stack's outputs, and what goes with them.

    Raises:
        StediError, AwsError: see `read_stack`.
    """
    return {name: value for name, value in sorted(_outputs(stack, region).items()) if name in _ROLES}


def _outputs(stack: str, region: str | None) -> dict[str, str]:
    from botocore.exceptions import ClientError

    from stedi_dagster import aws  # boto3, which no other setting needs

    client = aws.client("cloudformation", region)
    where = f"The stack {stack} in {client.meta.region_name}"
    with aws.aws_errors(f"reading the stack {stack} in {client.meta.region_name}"):
        try:
            described = client.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise StediError(f"{where} does not exist: run `make deploy`, or give another name or --region.") from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    if not outputs:
        raise StediError(
            f"{where} has no outputs, its status is {described['StackStatus']}: wait for it, or run `make deploy`."
        )
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in outputs if variable(name) not in known and name not in _ROLES)
    if unknown:
        raise StediError(
            f"{where} has outputs that are not settings: {', '.join(unknown)}. "
            "It belongs to another version, or not to this platform: deploy it with this version."
        )
    return outputs


def variable(output: str) -> str:
    """The variable for an output: StediEmrApplicationId is STEDI_EMR_APPLICATION_ID."""
    return _INNER_CAPITAL.sub("_", output).upper()


def exports(found: dict[str, str]) -> str:
    """Settings as lines that a shell can evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(found.items()))


def _shown(value: object) -> str:
    """A value as one would set it, except secrets; empty if it is not set."""
    if isinstance(value, SecretStr):
        return "set, and not shown"
    return "" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)
