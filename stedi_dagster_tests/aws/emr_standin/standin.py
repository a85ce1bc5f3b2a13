"""What a test holds of the stand-in while it is open: its addresses, its knobs, and what has happened."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from stedi_dagster_tests.aws.emr_standin.certificates import Certificate
from stedi_dagster_tests.aws.emr_standin.knobs import Knobs
from stedi_dagster_tests.aws.emr_standin.sessions import ENDED, Session


@dataclass
class Standin(Knobs):
    """EMR Serverless, as far as sessions need it. `Knobs` is what a test can turn."""

    # For AWS_ENDPOINT_URL_EMR_SERVERLESS.
    url: str = ""
    # For GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, which must be set before the process opens its first secure channel.
    roots: Path = Path()
    # The Spark Connect server behind all sessions.
    spark_url: str = ""
    certificate: Certificate = field(default_factory=Certificate.of_this_process, repr=False)

    sessions: dict[str, Session] = field(default_factory=dict)
    # The operations that were asked for, in order, answered or not.
    requests: list[str] = field(default_factory=list)
    # The Spark Connect methods that were asked for, in order, answered or not.
    rpcs: list[str] = field(default_factory=list)
    # Every secret that was handed out: none of them may be found in a log.
    tokens: list[str] = field(default_factory=list, repr=False)
    # What was sent in or out and is not as AWS's model has it. A test ends with none.
    violations: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def started(self) -> int:
        """How many sessions there ever were."""
        return len(self.sessions)

    def running(self) -> list[Session]:
        """The sessions that have not ended: also those that are TERMINATING still."""
        return [session for session in list(self.sessions.values()) if session.look() not in ENDED]

    def revoke_tokens(self) -> None:
        """Let all tokens expire now, whatever was said when they were handed out."""
        with self.lock:
            for session in self.sessions.values():
                session.tokens.clear()

    def die(self, details: str = "The Spark driver exited with code 137.") -> None:
        """Let the driver of each session go away at once, in the middle of whatever it does."""
        with self.lock:
            for session in self.running():
                session.enter("FAILED", details)
