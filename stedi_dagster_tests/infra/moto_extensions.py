"""What moto's CloudFormation lacks and the tests need, added to it: four types of resource, change sets, and more.

moto has the services of these types, but its CloudFormation creates none of them. Each class here creates one through
moto's own service, so that the tests deploy the real template and not a copy of it. `EXTENSIONS` holds no more than
needed. What moto creates only in part (of a bucket: no versioning, lifecycle or public access block; of a security
group: no egress) is read from the template in `test_stack.py`.
"""
# ruff: noqa: ARG003 - the methods' signatures are moto's

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

import pytest
from moto.athena.models import athena_backends
from moto.cloudformation import parsing
from moto.cloudformation.models import ChangeSet
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.common_models import CloudFormationModel
from moto.ec2.models.route_tables import RouteTable
from moto.emrserverless.models import emrserverless_backends
from moto.glue.models import glue_backends
from moto.s3.models import FakeBucket, s3_backends
from moto.server import ThreadedMotoServer

# moto refuses labels that are not emr-N.N.N, so the application is made with one, and then gets its own.
_LABEL_MOTO_TAKES = "emr-7.13.0"


@contextmanager
def empty_account() -> Iterator[str]:
    """The endpoint of a moto server in this process, whose account is empty: moto keeps it from server to server."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        with urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")):  # noqa: S310 - this machine's own
            yield endpoint
    finally:
        moto.stop()


class _Extension(CloudFormationModel):
    """A resource with an identifier, which `Ref` gives, and attributes, which `GetAtt` gives."""

    def __init__(self, identifier: str, **attributes: str) -> None:
        self.physical_resource_id = identifier
        self._attributes = attributes

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, name: str) -> str:
        return self._attributes[name]

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        pass


class BucketPolicy(_Extension):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::S3::BucketPolicy"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> "BucketPolicy":
        properties = cloudformation_json["Properties"]
        policy = json.dumps(properties["PolicyDocument"]).encode()
        s3_backends[account_id]["aws"].put_bucket_policy(properties["Bucket"], policy)
        return cls(properties["Bucket"])

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        s3_backends[account_id]["aws"].delete_bucket_policy(resource_name)


class GlueDatabase(_Extension):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Glue::Database"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> "GlueDatabase":
        properties = cloudformation_json["Properties"]["DatabaseInput"]
        backend = glue_backends[account_id][region_name]
        if properties["Name"] not in backend.databases:  # else it is taken back
            backend.create_database(properties["Name"], properties)
        return cls(properties["Name"])


class Workgroup(_Extension):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Athena::WorkGroup"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> "Workgroup":
        properties = cloudformation_json["Properties"]
        configuration = dict(properties["WorkGroupConfiguration"])
        athena_backends[account_id][region_name].create_work_group(
            properties["Name"], configuration, properties["Description"], []
        )
        return cls(properties["Name"])

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        athena_backends[account_id][region_name].delete_work_group(resource_name)


class Application(_Extension):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::EMRServerless::Application"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> "Application":
        properties = cloudformation_json["Properties"]
        application = emrserverless_backends[account_id][region_name].create_application(
            name=properties["Name"],
            release_label=_LABEL_MOTO_TAKES,
            application_type=properties["Type"].upper(),
            client_token="",
            initial_capacity={},  # type: ignore[arg-type] # moto's annotation says str, its code wants this
            maximum_capacity=_as_in_requests(properties["MaximumCapacity"]),
            tags={},
            auto_start_configuration=_as_in_requests(properties["AutoStartConfiguration"]),
            auto_stop_configuration=_as_in_requests(properties["AutoStopConfiguration"]),
            network_configuration=_as_in_requests(properties["NetworkConfiguration"]),
        )
        application.release_label = properties["ReleaseLabel"]
        return cls(application.id, Arn=application.arn)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        backend = emrserverless_backends[account_id][region_name]
        backend.stop_application(resource_name)
        backend.delete_application(resource_name)


def _as_in_requests(properties: dict[str, Any]) -> Any:
    """The service spells names with a small first letter."""
    return {name[0].lower() + name[1:]: value for name, value in properties.items()}


EXTENSIONS = {model.cloudformation_type(): model for model in (BucketPolicy, GlueDatabase, Workgroup, Application)}


def known_to_moto() -> set[str]:
    """The types that moto's CloudFormation creates without this module."""
    return {model.cloudformation_type() for model in CloudFormationModel.__subclasses__() if model is not _Extension}


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto's CloudFormation create these types too, and treat change sets as AWS does."""
    for name, model in EXTENSIONS.items():
        monkeypatch.setitem(parsing.get_model_map(), name, model)
    monkeypatch.setattr(ChangeSet, "apply", _apply)
    # Without it moto leaves route tables, and then cannot delete the network.
    monkeypatch.setattr(RouteTable, "delete", _delete_route_table, raising=False)
    monkeypatch.setattr(FakeBucket, "create_from_cloudformation_json", _create_bucket)
    # AWS makes a change set without changes and says that it failed; moto would refuse the request.
    monkeypatch.setattr(CloudFormationResponse, "_validate_different_update", lambda *_: None)


_moto_creates_bucket = FakeBucket.create_from_cloudformation_json


def _create_bucket(name: str, cloudformation_json: Any, account_id: str, region_name: str, **others: Any) -> Any:
    """As with ImportExistingResources: a bucket that is there already is taken back."""
    found = s3_backends[account_id]["aws"].buckets.get(name)
    return found or _moto_creates_bucket(name, cloudformation_json, account_id, region_name, **others)


def _delete_route_table(table: RouteTable, _account_id: str, _region_name: str) -> None:
    table.associations.clear()
    table.ec2_backend.delete_route_table(table.id)


def _apply(change_set: ChangeSet) -> None:
    """moto's own forgets the conditions, the parameters' defaults and the outputs."""
    stack = change_set.stack
    if change_set.change_set_type == "CREATE":
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack.template_dict = change_set.template_dict
        stack.resource_map = stack._create_resource_map()
        stack.create_resources()
        stack.output_map = stack._create_output_map()
    else:
        stack.update(change_set.template, parameters=change_set.parameters)
    stack.parameters = {name: str(value) for name, value in stack.resource_map.resolved_parameters.items()}
