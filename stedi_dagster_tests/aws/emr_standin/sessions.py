"""A session of EMR Serverless: its states, its tokens, and what the service tells of it."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stedi_dagster_tests.aws.emr_standin.knobs import ACCOUNT, Knobs

if TYPE_CHECKING:
    from stedi_dagster_tests.aws.emr_standin.proxy import Proxy

ENDED = frozenset({"FAILED", "TERMINATED"})
READY = frozenset({"STARTED", "IDLE", "BUSY"})
_FOLLOWING = {
    "SUBMITTED": ("STARTING", "Resources are being provisioned."),
    "STARTING": ("STARTED", "The session is ready."),
    "STARTED": ("IDLE", "Nothing runs in the session."),
    "TERMINATING": ("TERMINATED", "The session was terminated."),
}
_VCPUS, _GIGABYTES = 12, 48
# AWS bills a minute at least.
_LEAST_SECONDS = 60


@dataclass
class Session:
    """One session. Its time passes when somebody looks: see `Knobs.seconds_a_state`."""

    id: str
    number: int
    request: dict[str, Any]
    knobs: Knobs
    state: str = "SUBMITTED"
    details: str = "The session was submitted."
    history: list[str] = field(default_factory=lambda: ["SUBMITTED"])
    tags: dict[str, str] = field(default_factory=dict)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    # Each with the moment (of `Knobs.now`) when it expires.
    tokens: dict[str, float] = field(default_factory=dict, repr=False)
    proxy: "Proxy | None" = field(default=None, repr=False)
    _since: float = 0.0
    _requests: int = 0

    def __post_init__(self) -> None:
        self._since = self.knobs.now

    @property
    def name(self) -> str | None:
        """The name it was given."""
        return self.request.get("name")

    @property
    def overrides(self) -> dict[str, Any]:
        """The configurationOverrides it was started with."""
        found: dict[str, Any] = self.request.get("configurationOverrides", {})
        return found

    @property
    def spark_conf(self) -> dict[str, str]:
        """The Spark settings among the overrides."""
        given = self.overrides.get("runtimeConfiguration", ())
        return {
            name: value
            for one in given
            if one["classification"] == "spark-defaults"
            for name, value in one.get("properties", {}).items()
        }

    @property
    def arn(self) -> str:
        """The session's ARN."""
        return f"{self.knobs.application['arn']}/sessions/{self.id}"

    def look(self) -> str:
        """Let pass what time has passed; return the state."""
        with self.knobs.lock:
            while following := self._following():
                self.enter(*following)
            return self.state

    def _following(self) -> tuple[str, str] | None:
        waited = self.knobs.now - self._since
        failing, details = self.knobs.failing
        if self.state not in ENDED and waited >= self.knobs.seconds_a_state:
            if self.state == failing:
                return "FAILED", details
            if self.state in _FOLLOWING:
                return _FOLLOWING[self.state]
        minutes = self.request.get("idleTimeoutMinutes", 60)
        if self.state == "IDLE" and waited >= minutes * self.knobs.seconds_a_minute:
            return "TERMINATING", "The session was idle for too long."
        return None

    def enter(self, state: str, details: str) -> None:
        """Go into a state. Where it can answer no more requests, those that are running break off."""
        with self.knobs.lock:
            self.state, self.details = state, details
            self.history.append(state)
            self._since, self.updated_at = self.knobs.now, datetime.now(UTC)
            if state == "STARTED":
                self.started_at = self.updated_at
            if state in ENDED:
                self.ended_at = self.updated_at
            if state not in READY and self.proxy is not None:
                self.proxy.close()

    def begin(self) -> bool:
        """A Spark Connect request has come; return whether there is anybody to answer it."""
        with self.knobs.lock:
            self.look()
            failing, details = self.knobs.failing
            if self.state in READY and failing in {self.state, "BUSY"}:
                if self.state != failing:
                    self.enter("BUSY", "A request is running.")
                self.enter("FAILED", details)
            if self.state not in READY:
                return False
            self._requests += 1
            if self.state != "BUSY":
                self.enter("BUSY", "A request is running.")
            return True

    def finish(self) -> None:
        """A request that has begun is over."""
        with self.knobs.lock:
            self._requests -= 1
            if self._requests == 0 and self.state == "BUSY":
                self.enter(*_FOLLOWING["STARTED"])

    def issue(self) -> tuple[str, datetime]:
        """A new token, which is good beside those there are, and when it expires."""
        # As long as the real ones, and of their form: five parts in base64.
        token = ".".join(secrets.token_urlsafe(length) for length in (48, 256, 12, 700, 16))
        lifetime = self.knobs.token_lifetime
        self.tokens[token] = self.knobs.now + lifetime
        return token, datetime.now(UTC) + timedelta(seconds=lifetime)

    def admits(self, token: str | None) -> bool:
        """Whether a token opens this session now."""
        return token is not None and self.knobs.now < self.tokens.get(token, 0.0)

    def summary(self) -> dict[str, Any]:
        """What ListSessions says of it: no tags, as on AWS."""
        given = {"name": self.name} if self.name else {}
        return {
            "applicationId": self.knobs.application["applicationId"],
            "sessionId": self.id,
            "arn": self.arn,
            **given,
            "state": self.state,
            "stateDetails": self.details,
            "releaseLabel": self.knobs.application["releaseLabel"],
            "executionRoleArn": self.request["executionRoleArn"],
            "createdBy": f"arn:aws:sts::{ACCOUNT}:assumed-role/orchestrator/test",
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        }

    def description(self) -> dict[str, Any]:
        """What GetSession says of it."""
        copied = ("configurationOverrides", "idleTimeoutMinutes")
        times = {"startedAt": self.started_at, "endedAt": self.ended_at}
        if self.state == "IDLE":
            times["idleSince"] = self.updated_at
        return {
            **self.summary(),
            **{name: self.request[name] for name in copied if name in self.request},
            **{name: moment for name, moment in times.items() if moment},
            **({"tags": self.tags} if self.tags else {}),
            **self._used(),
        }

    def _used(self) -> dict[str, Any]:
        if self.started_at is None:
            return {}
        seconds = ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()
        hours, billed = seconds / 3600, max(seconds, _LEAST_SECONDS) / 3600
        return {
            "totalExecutionDurationSeconds": int(seconds),
            "totalResourceUtilization": _resources(hours),
            "billedResourceUtilization": {**_resources(billed), "storageGBHour": 0.0},
        }


def _resources(hours: float) -> dict[str, float]:
    return {"vCPUHour": _VCPUS * hours, "memoryGBHour": _GIGABYTES * hours, "storageGBHour": 20 * hours}
