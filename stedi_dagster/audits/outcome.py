"""What an audit found: counts and names of rules, never a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stedi_dagster.engines.failure import ENGINE_ERRORS, failure_of

Severity = Literal["ERROR", "WARN"]

# How the summary of an audit that could not run begins; the class of the error follows.
COULD_NOT_RUN = "The audit could not run:"


@dataclass(frozen=True)
class Outcome:
    """The result of one audit of one table."""

    check: str
    passed: bool
    summary: str
    severity: Severity = "ERROR"
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        """Whether the content must not be published."""
        return not self.passed and self.severity == "ERROR"


def run_audit(check: str, audit: Callable[[], Outcome]) -> Outcome:
    """Run an audit; one that the engine could not run has failed."""
    try:
        return audit()
    except ENGINE_ERRORS as error:
        return Outcome(check, passed=False, summary=f"{COULD_NOT_RUN} {failure_of(error)}.")
