"""The Glue catalog: PyIceberg's, with a client that asks for a commit once only.

PyIceberg takes a refused commit for one that did not happen, and deletes the files of its snapshot. After a commit
whose answer was lost, a second request is refused because the first one succeeded: the current snapshot would lose its
files. So a commit is asked for again only where Glue says that it did nothing; `publish` looks up the rest.
"""

from typing import Any

from botocore.exceptions import ClientError
from pyiceberg.catalog.glue import GlueCatalog
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from stedi_dagster import aws

_DID_NOTHING = {"ThrottlingException", "Throttling", "OperationTimeoutException", "ServiceUnavailableException"}
_ATTEMPTS = 6


def glue_catalog(properties: dict[str, str]) -> GlueCatalog:
    """PyIceberg's catalog on Glue, of the account and region that the credentials have."""
    return GlueCatalog("stedi", client=_Client(), **properties)


def _did_nothing(error: BaseException) -> bool:
    return isinstance(error, ClientError) and aws.code_of(error) in _DID_NOTHING


class _Client:
    """boto3's Glue client, but for `update_table`."""

    def __init__(self) -> None:
        self._client = aws.client("glue")
        # How often a request is made is a client's own, and boto3 has no argument for it.
        self._once = aws.client("glue", attempts=1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @retry(
        retry=retry_if_exception(_did_nothing),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    def update_table(self, **arguments: Any) -> Any:
        """Commit."""
        try:
            return self._once.update_table(**arguments)
        except self._once.exceptions.ConcurrentModificationException as error:
            # Of the class that PyIceberg knows: each boto3 session makes its own.
            raise self._client.exceptions.ConcurrentModificationException(
                error.response, error.operation_name
            ) from None
