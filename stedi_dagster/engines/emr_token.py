"""The token that opens a session of EMR Serverless: it goes into each request's headers, and nowhere else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from stedi_dagster import aws

TOKEN_HEADER = "x-aws-proxy-auth"  # noqa: S105 - the header's name
# A token lasts about an hour; it is renewed so long before.
_RENEWED_BEFORE = timedelta(minutes=5)


class Token:
    """The token of a session, renewed before it expires."""

    def __init__(self, application_id: str, session_id: str) -> None:
        self._client = aws.client("emr-serverless")
        self._ids = {"applicationId": application_id, "sessionId": session_id}
        self._found: Any = self._renewed()
        address = urlsplit(self._found["endpoint"])
        if not address.hostname:
            address = urlsplit(f"//{self._found['endpoint']}")
        self.url = f"sc://{address.hostname}:{address.port or 443}/;use_ssl=true"

    def __repr__(self) -> str:
        return "<token>"

    def headers(self) -> list[tuple[str, str]]:
        """What each request carries, valid for some minutes at least.

        Raises:
            AwsError: it could not be renewed.
        """
        if datetime.now(UTC) + _RENEWED_BEFORE >= self._found["authTokenExpiresAt"]:
            self._found = self._renewed()
        return [(TOKEN_HEADER, self._found["authToken"])]

    def _renewed(self) -> Any:
        with aws.aws_errors("asking for the session's token"):
            return self._client.get_session_endpoint(**self._ids)
