"""What goes wrong with files and catalogs, said without their names: a raw file may be called after a person."""

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from stedi_dagster.errors import StorageError

# How PyArrow tells what S3 said.
_AWS_ERROR = re.compile(r"AWS Error ([A-Z_]+)")
_UNKNOWN_TO_THE_SDK = re.compile(r"Unable to parse ExceptionName: (\w+)")
_ADVICE = {
    "ACCESS_DENIED": "The credentials may not do that: use the orchestrator role of infra/stack.yaml.",
    "ExpiredToken": "The credentials have expired: renew them and run it again.",
    "INVALID_ACCESS_KEY_ID": "The credentials are not known to AWS: check AWS_PROFILE.",
}


@contextmanager
def storage_errors(doing: str, *, so: str = "Nothing of it is published. ") -> Iterator[None]:
    """Turn what the disk, S3 or Glue raised into one sentence.

    Args:
        doing: what is being done, for the message ("publishing customer_trusted").
        so: what that means for it.

    Raises:
        StorageError: a file could not be read or written.
        AwsError: AWS refused, or did not answer.
    """
    try:
        with _aws_errors(doing) if "botocore" in sys.modules else nullcontext():
            yield
    except OSError as error:
        said = _UNKNOWN_TO_THE_SDK.search(str(error)) or _AWS_ERROR.search(str(error))
        kind = said[1] if said else error.strerror or type(error).__name__
        advice = _ADVICE.get(kind, "Check the storage, and run it again.")
        raise StorageError(f"The storage failed while {doing} ({kind}). {so}{advice}") from None


def _aws_errors(doing: str) -> AbstractContextManager[None]:
    from stedi_dagster.aws import aws_errors

    return aws_errors(doing)
