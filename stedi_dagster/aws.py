"""The one AWS session of a process: its region, credentials and clients; and AWS's errors as one sentence.

Imported only if something is on AWS. No setting holds a key: boto3 finds credentials as it always does, and `lending`
passes them on to other libraries that talk to AWS.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

from stedi_dagster import lending
from stedi_dagster.errors import AwsError

# Sources that all AWS libraries read themselves, and whose keys are not refreshed.
_FOUND_BY_ALL = {"env", "shared-credentials-file", "config-file"}
# AWS's libraries differ in which of the two they read: boto3 reads only the second.
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")

# Throttling and lost connections are normal on AWS: requests are retried for about a minute.
_ATTEMPTS = 8
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"}


def client(service: str, region: str | None = None, *, attempts: int = _ATTEMPTS, read_timeout: float = 60) -> Any:
    """A boto3 client for a service.

    Args:
        service: its name in boto3.
        region: where; by default the region for everything.
        attempts: how often a request is made at most, if AWS throttles or does not answer.
        read_timeout: seconds to wait for an answer.

    Raises:
        AwsError: no region is set, or the variables contradict each other.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=5,
        read_timeout=read_timeout,
    )
    with _LOCK:  # boto3's sessions make one client at a time
        session = _session()
        return session.boto.client(service, region_name=region or session.required_region(), config=config)


def endpoint(service: str) -> str | None:
    """The address of a service if it is not AWS's own: AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL."""
    return os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")


def region() -> str:
    """The region for everything: from AWS_REGION or AWS_DEFAULT_REGION, otherwise from the profile.

    Raises:
        AwsError: none is set, or the two variables differ.
    """
    with _LOCK:
        return _session().required_region()


def prepare() -> None:
    """Let other AWS libraries in this process find the same region and credentials as ours.

    Raises:
        AwsError: the variables contradict each other, or the profile does not exist.
    """
    with _LOCK:
        _session()


def check_region_of(bucket: str) -> None:
    """Make sure that a bucket is in our region: boto3 would follow it to another one, PyArrow would not.

    Raises:
        AwsError: it is in another region.
    """
    here = region()
    if (here, bucket) in _CHECKED:
        return
    try:
        answer = client("s3", attempts=1).head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return  # whatever is wrong, the next request will report it
    there = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region", here)
    if there != here:
        raise AwsError(f"The bucket {bucket} is in {there}, and the AWS region is {here}. Set AWS_REGION={there}.")
    _CHECKED.add((here, bucket))


@dataclass(frozen=True)
class _Session:
    """boto3's session, its region, and the variables that it was made from."""

    boto: Any
    region: str | None
    variables: dict[str, str]

    def __repr__(self) -> str:
        return "<session>"

    def required_region(self) -> str:
        """The region.

        Raises:
            AwsError: none is set.
        """
        if self.region is None:
            raise AwsError("No AWS region is set. Set AWS_REGION, or a region in the AWS profile.")
        return self.region


_LOCK = threading.RLock()
_CURRENT: list[_Session] = []
_CHECKED: set[tuple[str, str]] = set()


def _session() -> _Session:
    """The session of this process; a new one if its variables have changed."""
    lending.take_back()
    if not _CURRENT or _CURRENT[0].variables != _variables():
        _CURRENT[:] = [_new_session()]
        _CHECKED.clear()
    return _CURRENT[0]


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def _new_session() -> _Session:
    regions = {name: value for name in _REGIONS if (value := os.environ.get(name))}
    if len(set(regions.values())) > 1:
        values = " and ".join(f"{name} is {value}" for name, value in regions.items())
        raise AwsError(f"{values}. Set both to the same region, or only one of them.")
    session = botocore.session.get_session()
    try:
        profile = session.get_config_variable("profile")
        session.get_scoped_config()  # cached by the session: after lending, the files are out of sight
        session_region: str | None = next(iter(regions.values()), None) or session.get_config_variable("region")
        credentials = session.get_credentials()
    except ProfileNotFound:
        raise AwsError(f"There is no AWS profile {profile}. Correct AWS_PROFILE, or run `aws configure`.") from None
    except BotoCoreError as error:
        raise AwsError(f"The AWS configuration cannot be used: {error}") from None
    if session_region is not None:
        os.environ.update(dict.fromkeys(_REGIONS, session_region))
    if credentials is not None and credentials.method not in _FOUND_BY_ALL:
        # Only now: a profile that is set would be preferred to keys in the environment.
        session.set_config_variable("profile", profile)
        lending.lend(credentials)
    return _Session(boto3.session.Session(botocore_session=session), session_region, _variables())


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn boto3's errors into a sentence that names the operation and what to do.

    Args:
        doing: what is being done, for the message ("reading the stack stedi").

    Raises:
        AwsError: instead of any error of botocore's.
    """
    try:
        yield
    except NoCredentialsError:
        raise AwsError(
            f"There are no AWS credentials for {doing}. Set AWS_PROFILE, sign in (`aws sso login`), or run where a "
            "role is attached."
        ) from None
    except ClientError as error:
        raise AwsError(f"AWS refused {doing}: {_refusal(error)}") from None
    except BotoCoreError as error:
        raise AwsError(f"AWS did not answer for {doing} ({type(error).__name__}). Run it again.") from None


def code_of(error: ClientError) -> str:
    """The error code that a service returned."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def _refusal(error: ClientError) -> str:
    code, operation = code_of(error), error.operation_name
    if code in _EXPIRED:
        return f"the credentials have expired ({operation}: {code}). Renew them and run it again."
    if code in _DENIED:
        return (
            f"the credentials may not call {operation} ({code}). Use a role that may; infra/stack.yaml has one for "
            "each task."
        )
    return f"{operation} returned {code}."
