"""Handles the stack through CloudFormation's API: change sets, waiting, reasons for failures, and data that is kept.

The stack's content is in `stack.yaml`, the command line in `__main__`.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from stedi_dagster import aws
from stedi_dagster.errors import StediError

TEMPLATE = Path(__file__).with_name("stack.yaml")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")  # the bucket's name begins with it, and has 63 characters at most
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
_NAMED = re.compile(r"^( +\w+: ).+ # = (bucket|database|restricted)$", re.MULTILINE)
# A stack whose creation failed can only be deleted.
_NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
_POLL = {"Delay": 5, "MaxAttempts": 360}


@dataclass(frozen=True)
class Data:
    """What remains when the stack is deleted."""

    bucket: str | None
    databases: tuple[str, ...]

    def __str__(self) -> str:
        """For people."""
        named = [f"the bucket {self.bucket}"] if self.bucket else []
        named += [f"the Glue database {name}" for name in self.databases]
        return ", ".join(named) or "nothing"


class Stack:
    """One stack in one region."""

    def __init__(self, name: str, region: str | None = None) -> None:
        """Connect to a region; nothing is sent yet.

        Raises:
            StediError: the name is not allowed, or no region is set.
        """
        if not _NAME.fullmatch(name):
            raise StediError(
                f"A stack cannot be called {name!r}: a lower-case letter, then at most 29 of a-z, 0-9 and -."
            )
        self.name = name
        self._cloudformation = aws.client("cloudformation", region)
        self.region: str = self._cloudformation.meta.region_name

    def __str__(self) -> str:
        """For people."""
        return f"The stack {self.name} in {self.region}"

    def deploy(self, parameters: dict[str, str]) -> bool:
        """Create or update the stack and wait for it; return False if there was nothing to do.

        Takes over buckets and databases that an earlier stack of this name left behind.

        Args:
            parameters: those to set; on an update the others keep their values.

        Raises:
            StediError: it failed; the message says which resources did, and why.
        """
        with self._stack_errors():
            existing = self._describe()
            status = existing["StackStatus"] if existing else None
            if status in _NEVER_CREATED:
                raise StediError(f"{self} was never created ({status}): run destroy, then deploy again.")
            update = status not in (None, "REVIEW_IN_PROGRESS")
            values = self._values(parameters, existing if update else None)
            change_set = self._cloudformation.create_change_set(
                StackName=self.name,
                ChangeSetName=f"deploy-{uuid.uuid4().hex}",
                ChangeSetType="UPDATE" if update else "CREATE",
                TemplateBody=self._body(values),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
                Capabilities=["CAPABILITY_IAM"],
                ImportExistingResources=True,
                Tags=[{"Key": "project", "Value": "stedi"}],
            )["Id"]
            if not self._ready(change_set):
                return False
            since = self._last_event() if update else None
            self._cloudformation.execute_change_set(ChangeSetName=change_set, StackName=self.name)
            self._wait("stack_update_complete" if update else "stack_create_complete", since)
        return True

    def data(self) -> Data:
        """What remains when the stack is deleted.

        Raises:
            StediError: the stack does not exist.
        """
        with self._stack_errors():
            if self._describe() is None:
                raise StediError(f"{self} does not exist.")
            pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
            created = [
                (resource["ResourceType"], resource["PhysicalResourceId"])
                for page in pages
                for resource in page["StackResourceSummaries"]
                if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE"
            ]
        buckets = [name for kind, name in created if kind == "AWS::S3::Bucket"]
        databases = sorted(name for kind, name in created if kind == "AWS::Glue::Database")
        return Data(buckets[0] if buckets else None, tuple(databases))

    def destroy(self, *, delete_data: bool) -> None:
        """Delete the stack and wait for it; then, if asked to, the data that remains.

        Raises:
            StediError: it does not exist, or it failed; the message says which resources did, and why.
        """
        data = self.data()
        with self._stack_errors():
            described = self._describe()
            assert described is not None  # noqa: S101 - `data` has found it
            since = self._last_event()
            # By its id, because a deleted stack cannot be found by its name.
            self._cloudformation.delete_stack(StackName=described["StackId"])
            self._wait("stack_delete_complete", since, described["StackId"])
            if delete_data:
                self._delete(data)

    def _delete(self, data: Data) -> None:
        for database in data.databases:
            aws.client("glue", self.region).delete_database(Name=database)
        if data.bucket is None:
            return
        s3 = aws.client("s3", self.region)
        while True:
            page = s3.list_object_versions(Bucket=data.bucket)  # up to 1,000, as many as one request may delete
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            if not entries:
                break
            versions = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            refused = s3.delete_objects(Bucket=data.bucket, Delete={"Objects": versions, "Quiet": True}).get("Errors")
            if refused:
                raise StediError(f"The bucket {data.bucket} cannot be emptied, AWS says: {refused[0]['Code']}.")
        s3.delete_bucket(Bucket=data.bucket)

    def _describe(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def _values(self, given: dict[str, str], existing: dict[str, Any] | None) -> dict[str, str]:
        """Every parameter's value: as given, otherwise the stack's present one, otherwise the default."""
        known = self._cloudformation.get_template_summary(TemplateBody=TEMPLATE.read_text(encoding="utf-8"))
        defaults = {parameter["ParameterKey"]: parameter["DefaultValue"] for parameter in known["Parameters"]}
        unknown = sorted(set(given) - set(defaults))
        if unknown:
            raise StediError(f"There is no parameter {unknown[0]}; there are {', '.join(sorted(defaults))}.")
        before = {
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in (existing or {}).get("Parameters", [])
            if parameter["ParameterKey"] in defaults
        }
        values = {**defaults, **before, "S3PrefixListId": self._prefix_list(), **given}
        return {name: str(value) for name, value in values.items()}

    def _body(self, values: dict[str, str]) -> str:
        """The template with literal names of resources that may exist already: AWS takes over no others."""
        account = aws.client("sts", self.region).get_caller_identity()["Account"]
        names = {
            "bucket": values["BucketName"] or f"{self.name}-{account}-{self.region}",
            "database": values["DatabaseName"],
            "restricted": f"{values['DatabaseName']}_restricted",
        }
        return _NAMED.sub(lambda line: line[1] + names[line[2]], TEMPLATE.read_text(encoding="utf-8"))

    def _prefix_list(self) -> str:
        """The id of the region's managed prefix list for S3."""
        name = f"com.amazonaws.{self.region}.s3"
        found = aws.client("ec2", self.region).describe_managed_prefix_lists(
            Filters=[{"Name": "prefix-list-name", "Values": [name]}]
        )["PrefixLists"]
        return str(found[0]["PrefixListId"]) if found else ""

    def _ready(self, change_set: str) -> bool:
        """Wait for a change set; return False if it has no changes."""
        try:
            self._cloudformation.get_waiter("change_set_create_complete").wait(
                ChangeSetName=change_set, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
            )
        except WaiterError:
            reason = self._cloudformation.describe_change_set(ChangeSetName=change_set).get("StatusReason", "")
            self._cloudformation.delete_change_set(ChangeSetName=change_set)
            if any(phrase in reason for phrase in _NOTHING_TO_DO):
                return False
            raise StediError(f"{self} cannot be changed, AWS says: {reason}") from None
        return True

    def _last_event(self) -> str:
        return str(self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"][0]["EventId"])

    def _wait(self, what: str, since: str | None, stack: str | None = None) -> None:
        try:
            self._cloudformation.get_waiter(what).wait(StackName=stack or self.name, WaiterConfig=_POLL)
        except WaiterError as error:
            reasons = list(self._reasons(stack or self.name, since)) or [str(error)]
            raise StediError("\n  ".join([f"{self} failed:", *reasons])) from None

    def _reasons(self, stack: str, since: str | None) -> Iterator[str]:
        """What failed and why, the first failure first, without resources that were only cancelled because of it."""
        events: list[dict[str, Any]] = []
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
            for event in page["StackEvents"]:
                if event["EventId"] == since:
                    break
                events.append(event)
            else:
                continue
            break
        for event in reversed(events):
            reason = event.get("ResourceStatusReason", "no reason given")
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
                yield f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"

    @contextmanager
    def _stack_errors(self) -> Iterator[None]:
        """Report AWS's errors in its own words, which name the parameter or the resource."""
        with aws.aws_errors(f"{self.name} in {self.region}"):
            try:
                yield
            except ClientError as error:
                raise StediError(f"{self} could not be handled, AWS says: {error}") from None
