"""The page of the parameters of the stack on AWS."""

from typing import Any

from cfnlint.decode import cfn_yaml

from docs.generator import markdown as md
from docs.generator.sources import TEMPLATE

_INTRODUCTION = """
The parameters of `infra/stack.yaml`, for `make deploy ARGS="--parameter NAME=VALUE"`. What they are for is in
[Deploy on AWS](../how-to/deploy-on-aws.md).
"""


def page() -> str:
    """The page."""
    parameters: dict[str, dict[str, Any]] = cfn_yaml.load(str(TEMPLATE))["Parameters"]
    rows = [
        (
            md.code(name),
            md.code(said["Default"]),
            md.codes(said.get("AllowedValues", ())),
            said["Description"].replace("<", "&lt;"),
        )
        for name, said in parameters.items()
    ]
    return md.page("Stack parameters", _INTRODUCTION, md.table(("parameter", "default", "allowed", "meaning"), rows))
