"""boto3's client of the EMR Serverless stand-in, for tests of the stand-in itself."""

from typing import Any

import boto3
from botocore.config import Config

from stedi_dagster_tests.aws.emr_standin import APPLICATION, Standin

ROLE = "arn:aws:iam::123456789012:role/stedi-execution"
# More states than a session goes through.
_MORE_THAN_ALL = 10
TAGS = {"stedi:run-id": "1"}


class EmrClient:
    """boto3's client of the one application."""

    def __init__(self, standin: Standin, **config: Any) -> None:
        settings = Config(**{"retries": {"total_max_attempts": 1}, **config})
        self.boto = boto3.client("emr-serverless", "eu-west-1", endpoint_url=standin.url, config=settings)
        self.standin = standin

    def start(self, **changed: Any) -> str:
        asked = {"applicationId": APPLICATION, "executionRoleArn": ROLE, "name": "stedi/1", "tags": TAGS, **changed}
        found: str = self.boto.start_session(**asked)["sessionId"]
        return found

    def ready(self) -> str:
        session_id = self.start()
        self.until("STARTED", session_id)
        return session_id

    def get(self, session_id: str) -> Any:
        return self.boto.get_session(applicationId=APPLICATION, sessionId=session_id)["session"]

    def until(self, state: str, session_id: str) -> list[str]:
        """The states that a poller sees up to this one."""
        seen: list[str] = []
        while not seen or seen[-1] != state:
            assert len(seen) < _MORE_THAN_ALL, seen
            if seen:
                self.standin.later(self.standin.seconds_a_state)
            seen.append(self.get(session_id)["state"])
        return seen

    def end(self, session_id: str) -> Any:
        return self.boto.terminate_session(applicationId=APPLICATION, sessionId=session_id)

    def endpoint(self, session_id: str) -> Any:
        return self.boto.get_session_endpoint(applicationId=APPLICATION, sessionId=session_id)
