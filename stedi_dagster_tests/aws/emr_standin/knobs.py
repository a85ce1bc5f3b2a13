"""What a test can turn: how fast sessions go through their states, where they fail, and how the service misbehaves."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stedi_dagster_tests.aws.emr_standin import model

REGION = "eu-west-1"
ACCOUNT = "123456789012"
APPLICATION = "00fstediemr00000"
# No state at all to fail at.
NOWHERE = ("", "")


@dataclass
class Fault:
    """How an operation misbehaves, and how often it still will; `done`: what was asked for happens all the same."""

    times: float
    code: str = ""
    done: bool = False
    silent: bool = False
    seconds: float = 0.0


def application() -> dict[str, Any]:
    """What GetApplication says of an application that is ready for sessions."""
    made = datetime.now(UTC)
    return {
        "applicationId": APPLICATION,
        "name": "stedi",
        "arn": f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{APPLICATION}",
        "releaseLabel": "emr-spark-8.0.0",
        "type": "Spark",
        "state": "STARTED",
        "createdAt": made,
        "updatedAt": made,
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 15},
        "interactiveConfiguration": {"sessionEnabled": True},
    }


@dataclass
class Knobs:
    """May be turned at any time; what is said about times holds for the next such requests."""

    # A session stays so long (see `later`) in each state before it goes on, and goes on when it is looked at, so
    # that whoever polls sees all of them. With 0 it is ready at once.
    seconds_a_state: float = 1.0
    # For idleTimeoutMinutes.
    seconds_a_minute: float = 60.0
    token_lifetime: float = 3600.0
    page_size: int = 2
    application: dict[str, Any] = field(default_factory=application)
    # Called before each Spark Connect request with its number (from 1) and its method: the place to let something
    # happen in the middle of a run.
    on_rpc: Callable[[int, str], None] = lambda _number, _method: None
    failing: tuple[str, str] = NOWHERE
    # Time passes for sessions and tokens when a test says so, and not while a slow machine works.
    now: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    faults: dict[str, list[Fault]] = field(default_factory=dict, repr=False)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        with self.lock:
            self.now += seconds

    def throttle(self, operation: str, times: float = 1) -> None:
        """Answer 429 ThrottlingException."""
        self.refuse(operation, "ThrottlingException", times)

    def refuse(self, operation: str, code: str, times: float = 1) -> None:
        """Answer an error: one that the operation has in AWS's model, or AccessDeniedException and its like.

        Raises:
            KeyError: the operation never answers this.
        """
        model.status_of(operation, code)
        self._misbehave(operation, Fault(times, code=code))

    def lose_answer(self, operation: str, times: float = 1) -> None:
        """Do it, and drop the connection."""
        self._misbehave(operation, Fault(times, done=True))

    def silence(self, operation: str, times: float = float("inf")) -> None:
        """Do nothing and never answer; the connection stays open until the stand-in closes."""
        self._misbehave(operation, Fault(times, silent=True))

    def slow(self, operation: str, seconds: float, times: float = float("inf")) -> None:
        """Do it and answer, after a while."""
        self._misbehave(operation, Fault(times, done=True, seconds=seconds))

    def heal(self) -> None:
        """Misbehave no more."""
        with self.lock:
            self.faults.clear()
            self.failing = NOWHERE

    def fail_at(self, state: str, details: str = "the stand-in was told to fail") -> None:
        """Let sessions that are in a state become FAILED instead of what follows.

        In a state that serves requests, the first one that arrives meets the failure: in STARTED or IDLE one that
        finds the session so, in BUSY any.
        """
        self.failing = (state, details)

    def fault(self, operation: str) -> Fault | None:
        """How an operation misbehaves this time."""
        with self.lock:
            for fault in self.faults.get(operation, ()):
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _misbehave(self, operation: str, fault: Fault) -> None:
        with self.lock:
            self.faults.setdefault(operation, []).append(fault)
