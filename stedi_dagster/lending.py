"""Lends boto3's credentials to other AWS libraries in this process, as PyArrow knows fewer kinds of profiles.

They ask an endpoint of this process, like containers on ECS do, and ask again before the keys expire. The keys are not
written to any file or variable. `aws` decides whose credentials are lent, and when.
"""

import hmac
import json
import os
import secrets
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

# botocore does not hand out keys that expire within ten minutes
# (https://github.com/boto/botocore/blob/1.40.0/botocore/credentials.py: _mandatory_refresh_timeout).
_GOOD_FOR = timedelta(minutes=5)
_PATH = "/credentials"
_URI, _TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"
# Where the libraries would look first, and find other credentials or none.
_OTHER_SOURCES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    _URI,
    _TOKEN,
)
# For child processes: they may outlive the endpoint, and find their own credentials as this process did.
_LENT = "LENT_BY_STEDI"


def lend(credentials: Any) -> None:
    """Point the AWS libraries of this process to an endpoint of this process, and away from every other source.

    Args:
        credentials: botocore's, which refresh themselves.
    """
    token = secrets.token_urlsafe(32)
    server = _Lender(credentials, token)
    threading.Thread(target=server.serve_forever, daemon=True, name="credentials").start()
    before = {name: os.environ.pop(name, None) for name in _OTHER_SOURCES}
    os.environ[_LENT] = json.dumps({"by": os.getpid(), "before": before})
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ[_URI] = f"http://127.0.0.1:{server.server_port}{_PATH}"
    os.environ[_TOKEN] = token


def take_back() -> None:
    """In a child of a process that lends credentials: restore the variables that the parent had before."""
    lent = json.loads(os.environ.get(_LENT, "null"))
    if lent is None or lent["by"] == os.getpid():
        return
    del os.environ[_LENT]
    for name, value in lent["before"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


class _Lender(ThreadingHTTPServer):
    """The endpoint, on the loopback address only."""

    daemon_threads = True

    def __init__(self, credentials: Any, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._credentials = credentials
        self._token = token.encode()

    def admits(self, token: str) -> bool:
        """Whether the request comes from this process."""
        return hmac.compare_digest(token.encode(), self._token)

    def document(self) -> bytes:
        """The keys in the format of the container protocol.

        https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
        """
        keys = self._credentials.get_frozen_credentials()
        document = {
            "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret_key,
            "Token": keys.token or "",
            "Expiration": (datetime.now(UTC) + _GOOD_FOR).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return json.dumps(document).encode()

    def handle_error(self, *_: object) -> None:
        """Ignore broken connections."""


class _Handler(BaseHTTPRequestHandler):
    server: _Lender

    def do_GET(self) -> None:
        """Answer with the keys."""
        if self.path != _PATH or not self.server.admits(self.headers.get("Authorization", "")):
            self._answer(403, b"{}")
            return
        try:
            self._answer(200, self.server.document())
        except (BotoCoreError, ClientError):
            # boto3 itself will report it to the user with its next request.
            self._answer(503, b"{}")

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing: standard error belongs to the user."""
