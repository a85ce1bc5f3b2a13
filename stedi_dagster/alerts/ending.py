"""How one check, step or run ended: what alerts are about."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can fail: a check, a step for reasons other than its checks, a run for reasons other than its steps."""

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
