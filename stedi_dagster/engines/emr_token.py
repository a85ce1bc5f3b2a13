"""The token that opens a session of EMR Serverless: sent in each request's headers, and nowhere else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from stedi_dagster import aws

TOKEN_HEADER = "x-aws-proxy-auth"  # noqa: S105 - the header's name
# A token lasts about an hour; it is renewed this long before it expires.
_RENEWED_BEFORE = timedelta(minutes=5)


class Token:
    """The token of a session, renewed before it expires."""

    def __init__(self, application_id: str, session_id: str) -> None:
        self._client = aws.client("emr-serverless")
        self._ids = {"applicationId": application_id, "sessionId": session_id}
        self._endpoint: Any = self._fetch()
        address = urlsplit(self._endpoint["endpoint"])
        if not address.hostname:
            address = urlsplit(f"//{self._endpoint['endpoint']}")
        self.url = f"sc://{address.hostname}:{address.port or 443}/;use_ssl=true"

    def __repr__(self) -> str:
        return "<token>"

    def headers(self) -> list[tuple[str, str]]:
        """The headers of a request, valid for at least some minutes.

        Raises:
            AwsError: the token could not be renewed.
        """
        if datetime.now(UTC) + _RENEWED_BEFORE >= self._endpoint["authTokenExpiresAt"]:
            self._endpoint = self._fetch()
        return [(TOKEN_HEADER, self._endpoint["authToken"])]

    def _fetch(self) -> Any:
        with aws.aws_errors("asking for the session's token"):
            return self._client.get_session_endpoint(**self._ids)
