"""AWS clients from the standard credential chain, and what AWS says put into one sentence.

Imported only where something lies on AWS. No setting holds a key: the SDKs find credentials by themselves.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from stedi_dagster.errors import AwsError

# Throttling and lost connections are normal on AWS: tried again for about a minute.
_ATTEMPTS = 8
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"}


def client(service: str, region: str | None = None, *, attempts: int = _ATTEMPTS, read_timeout: float = 60) -> Any:
    """A boto3 client of a service, in the standard chain's region where none is given.

    Args:
        service: its name in boto3.
        region: where.
        attempts: how often a request is made at most, if AWS throttles or does not answer.
        read_timeout: seconds to wait for an answer.

    Raises:
        AwsError: no region is set.
    """
    try:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=5,
            read_timeout=read_timeout,
        )
        return boto3.session.Session(region_name=region).client(service, config=config)
    except NoRegionError:
        raise AwsError("No AWS region is set. Set AWS_REGION, or a region in the AWS profile.") from None


def endpoint(service: str) -> str | None:
    """The address of a service where it is not AWS's own: AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL."""
    return os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")


def region() -> str:
    """The region of the standard chain.

    Raises:
        AwsError: none is set.
    """
    name: str = client("s3").meta.region_name
    return name


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises into a sentence that names the operation and what to do.

    Args:
        doing: what is being done, for the message ("reading the stack stedi").

    Raises:
        AwsError: instead of anything of botocore's.
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
    """The error code that a service gave."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def _refusal(error: ClientError) -> str:
    code, operation = code_of(error), error.operation_name
    if code in _EXPIRED:
        return f"the credentials have expired ({operation}: {code}). Renew them and run it again."
    if code in _DENIED:
        return f"the credentials may not call {operation} ({code}). Use the orchestrator role of infra/stack.yaml."
    return f"{operation} says {code}."
