"""Reports problems with files and catalogs without naming them, because a raw file's name may be a person's."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from stedi_dagster.errors import StorageError

# How PyArrow reports S3's errors.
_AWS_ERROR = re.compile(r"AWS Error ([A-Z_]+)")
_UNKNOWN_TO_THE_SDK = re.compile(r"Unable to parse ExceptionName: (\w+)")
_ADVICE = {
    "ACCESS_DENIED": "The credentials may not do that: use a role that may; infra/stack.yaml has one for each task.",
    "ExpiredToken": "The credentials have expired: renew them and run it again.",
    "INVALID_ACCESS_KEY_ID": "The credentials are not known to AWS: check AWS_PROFILE.",
    **dict.fromkeys(
        map(os.strerror, (errno.EACCES, errno.EPERM, errno.EROFS)),
        "Give this user the permission to read and write it, and run it again.",
    ),
    **dict.fromkeys(map(os.strerror, (errno.ENOSPC, errno.EDQUOT)), "Make room on its disk, and run it again."),
    os.strerror(errno.ENAMETOOLONG): "Choose a shorter path.",
}


@contextmanager
def storage_errors(doing: str, *, outcome: str = "Nothing of it is published.") -> Iterator[None]:
    """Turn errors of the disk, S3 or Glue into one sentence.

    Args:
        doing: what is being done, for the message ("publishing customer_trusted").
        outcome: what the failure means for readers, for the message.

    Raises:
        StorageError: a file could not be read or written.
        AwsError: AWS refused, or did not answer.
    """
    try:
        with _aws_errors(doing) if "botocore" in sys.modules else nullcontext():
            yield
    except OSError as error:
        kind, advice = fault(error)
        raise StorageError(
            f"The storage failed while {doing} ({kind}). {outcome}{' ' * bool(outcome)}{advice}"
        ) from None


def fault(error: OSError) -> tuple[str, str]:
    """The error of the system or S3 in a few words, and what to do about it."""
    aws_error = _UNKNOWN_TO_THE_SDK.search(str(error)) or _AWS_ERROR.search(str(error))
    # By its number, because PyArrow's messages name the file.
    system_error = os.strerror(error.errno) if error.errno else type(error).__name__
    kind = aws_error[1] if aws_error else system_error
    return kind, _ADVICE.get(kind, "Check the storage, and run it again.")


def _aws_errors(doing: str) -> AbstractContextManager[None]:
    from stedi_dagster.aws import aws_errors

    return aws_errors(doing)
