"""EMR Serverless: one interactive Spark Connect session per run, started, waited for, and always ended.

The token that opens a session is managed by `emr_token`.
Source: "Run interactive sessions with Amazon EMR Serverless through Spark Connect", EMR Serverless User Guide.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pyspark import __version__ as client_version
from pyspark.sql import SparkSession

from stedi_dagster import aws
from stedi_dagster.engines.base import Engine, connected
from stedi_dagster.engines.emr_token import Token
from stedi_dagster.errors import AwsError, EngineError
from stedi_dagster.stopping import if_stopped

SERVICE = "emr-serverless"
WAREHOUSE_TAG, RUN_TAG = "stedi:warehouse", "stedi:run-id"
# The Spark version of each release, so that a mismatch shows before a session is paid for.
_SPARK_OF_RELEASE = {"emr-spark-8.0.0": "4.0", "emr-7.13.0": "3.5"}
_ENDED = {"FAILED", "TERMINATED"}
_READY = {"STARTED", "IDLE", "BUSY"}
_POLL_SECONDS = 2.0
_ENDS_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Emr:
    """Where and how sessions are started; see the settings STEDI_EMR_...."""

    application_id: str
    execution_role_arn: str
    session_name: str = "stedi"
    spark_conf: dict[str, str] = field(default_factory=dict)
    idle_minutes: int = 15
    start_minutes: float = 10


class EmrServerless(Engine):
    """An EMR Serverless application. The caller holds the warehouse's writer lock: one session of it at a time."""

    def __init__(
        self,
        emr: Emr,
        *,
        run_id: str,
        warehouse: str,
        tell: Callable[[str], None],
        note: Callable[[dict[str, str]], None] = lambda _facts: None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            emr: where and how to start sessions.
            run_id: the run that the session is for.
            warehouse: the warehouse that it works on, which distinguishes its leftover sessions from others'.
            tell: called with what is happening, for the run's log.
            note: called with facts worth keeping with the run: the session, its dashboard, what was billed.
        """
        self._emr = emr
        self._run_id = run_id
        self._warehouse = warehouse
        self._tell = tell
        self._note = note
        self._client = aws.client(SERVICE)

    @contextmanager
    def session(self) -> Iterator[SparkSession]:
        """See `Engine.session`.

        Raises:
            AwsError: AWS refused, or did not answer.
        """
        logs = self._check_application()
        self.reap()
        with self._new_session(logs) as session_id:
            self._wait(session_id, logs)
            self._note_dashboard(session_id)
            token = Token(self._emr.application_id, session_id)
            with connected(token.url, token.headers) as session:
                _check_version(session.version)
                yield session

    def reap(self) -> int:
        """End sessions of this warehouse that a killed run left behind; return their number.

        The caller holds the writer lock, so that no session of this warehouse can be in use.
        """
        reaped = 0
        with aws.aws_errors("looking for sessions that were left running"):
            for session_id in self._running():
                self._client.terminate_session(applicationId=self._emr.application_id, sessionId=session_id)
                self._tell(f"Ended the EMR Serverless session {session_id}, which an earlier run left behind.")
                reaped += 1
        return reaped

    def _running(self) -> Iterator[str]:
        paginator = self._client.get_paginator("list_sessions")
        states = ["SUBMITTED", "STARTING", "STARTED", "IDLE", "BUSY"]
        for page in paginator.paginate(applicationId=self._emr.application_id, states=states):
            for found in page["sessions"]:
                if str(found.get("name", "")).startswith(f"{self._emr.session_name}/"):
                    tags = self._get(found["sessionId"]).get("tags", {})
                    if tags.get(WAREHOUSE_TAG) == self._warehouse:
                        yield found["sessionId"]

    def _check_application(self) -> str:
        """Refuse an unsuitable application before anything is paid for; return where its logs go."""
        with aws.aws_errors(f"looking at the EMR Serverless application {self._emr.application_id}"):
            found = self._client.get_application(applicationId=self._emr.application_id)["application"]
        release, name = found["releaseLabel"], f"The EMR Serverless application {self._emr.application_id}"
        spark = _SPARK_OF_RELEASE.get(release)
        if spark is not None:
            _check_version(spark, f"{name} has release {release} with")
        if not found.get("interactiveConfiguration", {}).get("sessionEnabled"):
            raise EngineError(f"{name} has no interactive sessions. Enable them, as infra/stack.yaml does.")
        self._start_application(found["state"])
        monitoring = found.get("monitoringConfiguration", {})
        return str(monitoring.get("s3MonitoringConfiguration", {}).get("logUri", "the application's log destination"))

    def _start_application(self, state: str) -> None:
        """Start the application if it has stopped, which it does by itself when idle."""
        deadline = time.monotonic() + self._emr.start_minutes * 60
        with aws.aws_errors(f"starting the EMR Serverless application {self._emr.application_id}"):
            if state in {"CREATED", "STOPPED"}:
                self._tell(f"Starting the EMR Serverless application {self._emr.application_id}.")
                self._client.start_application(applicationId=self._emr.application_id)
            while state != "STARTED":
                found = self._client.get_application(applicationId=self._emr.application_id)["application"]
                state = found["state"]
                if state == "TERMINATED" or time.monotonic() > deadline:
                    raise EngineError(
                        f"The EMR Serverless application {self._emr.application_id} is {state} and not STARTED: "
                        f"{found.get('stateDetails', 'no reason is given')}."
                    )
                if state != "STARTED":
                    time.sleep(_POLL_SECONDS)

    @contextmanager
    def _new_session(self, logs: str) -> Iterator[str]:
        """Start a session, and end it however the run ends."""
        name = f"{self._emr.session_name}/{self._run_id}"
        overrides = {"runtimeConfiguration": [{"classification": "spark-defaults", "properties": self._emr.spark_conf}]}
        try:
            with aws.aws_errors("starting an EMR Serverless session"):
                session_id: str = self._client.start_session(
                    applicationId=self._emr.application_id,
                    # The same for every attempt: if the answer is lost, the session is not started twice.
                    clientToken=str(uuid.uuid4()),
                    executionRoleArn=self._emr.execution_role_arn,
                    name=name,
                    idleTimeoutMinutes=self._emr.idle_minutes,
                    tags={RUN_TAG: self._run_id, WAREHOUSE_TAG: self._warehouse},
                    **({"configurationOverrides": overrides} if self._emr.spark_conf else {}),
                )["sessionId"]
        except AwsError:
            # The session may have been started even if no answer came.
            self.reap()
            raise
        try:
            self._note({"stedi/emr_session": session_id})
            with if_stopped(partial(self._terminate, session_id)):
                yield session_id
        finally:
            self._end(session_id, logs)

    def _wait(self, session_id: str, logs: str) -> None:
        deadline = time.monotonic() + self._emr.start_minutes * 60
        state = ""
        while state not in _READY:
            found = self._get(session_id)
            if found["state"] != state:
                state = found["state"]
                self._tell(f"The EMR Serverless session {session_id} is {state}.")
            if state in _ENDED | {"TERMINATING"}:
                raise EngineError(
                    f"The EMR Serverless session {session_id} is {state}: {_details(found)}. Its logs are in {logs}."
                )
            if state not in _READY:
                if time.monotonic() > deadline:
                    raise EngineError(
                        f"The EMR Serverless session {session_id} was still {state} after "
                        f"{self._emr.start_minutes:g} minutes, and is ended. Its logs are in {logs}. Raise "
                        "STEDI_EMR_START_MINUTES, or look at the application's capacity."
                    )
                time.sleep(_POLL_SECONDS)

    def _terminate(self, session_id: str) -> None:
        """End a session without waiting; if anything goes wrong, the next run ends it."""
        with suppress(ClientError, BotoCoreError):
            self._client.terminate_session(applicationId=self._emr.application_id, sessionId=session_id)

    def _end(self, session_id: str, logs: str) -> None:
        """End the session and log what it cost. A failure here must not hide how the run ended."""
        try:
            state = self._get(session_id)["state"]
            if state not in _ENDED:
                self._client.terminate_session(applicationId=self._emr.application_id, sessionId=session_id)
            ended = self._wait_for_end(session_id)
        except (ClientError, BotoCoreError, AwsError) as error:
            self._tell(
                f"The EMR Serverless session {session_id} could not be ended ({type(error).__name__}). The next run "
                f"ends it, and EMR after {self._emr.idle_minutes} idle minutes."
            )
            return
        outcome = f"The EMR Serverless session {session_id} is {ended['state']}"
        if ended["state"] == "FAILED":
            outcome += f": {_details(ended)}. Its logs are in {logs}"
        billed = ended.get("billedResourceUtilization", {})
        cost = ", ".join(f"{billed[name]:g} {unit}" for name, unit in _BILLED.items() if name in billed)
        if cost:
            self._note({"stedi/emr_billed": cost})
            outcome += f"; billed: {cost}"
        self._tell(f"{outcome}.")

    def _wait_for_end(self, session_id: str) -> Any:
        deadline = time.monotonic() + _ENDS_WITHIN_SECONDS
        while True:
            found = self._get(session_id)
            if found["state"] in _ENDED or time.monotonic() > deadline:
                return found
            time.sleep(_POLL_SECONDS)

    def _note_dashboard(self, session_id: str) -> None:
        with aws.aws_errors("asking for the session's dashboard"):
            found = self._client.get_resource_dashboard(
                applicationId=self._emr.application_id, resourceId=session_id, resourceType="SESSION"
            )
        if url := found.get("url"):
            # Without its query, which signs in whoever follows the link.
            self._note({"stedi/emr_dashboard": url.split("?", maxsplit=1)[0]})

    def _get(self, session_id: str) -> Any:
        with aws.aws_errors(f"asking for the EMR Serverless session {session_id}"):
            return self._client.get_session(applicationId=self._emr.application_id, sessionId=session_id)["session"]


def _details(session: Any) -> str:
    """Why a session is in its state, without a full stop."""
    return str(session["stateDetails"]).rstrip(".")


_BILLED = {"vCPUHour": "vCPU hours", "memoryGBHour": "GB hours of memory", "storageGBHour": "GB hours of storage"}


def _check_version(server: str, subject: str = "The EMR Serverless session has") -> None:
    """Refuse a server whose Spark version differs from the client's.

    Raises:
        EngineError: it differs; the message names both versions.
    """
    minor = re.match(r"\d+\.\d+", server)
    if minor is None or minor[0] != client_version.rpartition(".")[0]:
        raise EngineError(
            f"{subject} Spark {server}, and this platform's client is {client_version}: they must agree in the first "
            "two numbers. Use the release emr-spark-8.0.0, as infra/stack.yaml does."
        )
