"""What an alert is about: how one check, step or run ended."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can fail: a check, a step for another reason than its checks, a run for another than its steps."""

    CHECK = "check"
    STEP = "step"
    RUN = "run"


@dataclass(frozen=True)
class Ending:
    """How one check, step or run ended."""

    kind: Kind
    table: str  # or the step, or the job
    check: str  # empty for steps and runs
    failed: bool
    severity: str
    found: str
    run_id: str
    at: float
    event: int
