"""What a standing audit is, and what comes of one; the audits there are stand in `catalog.py`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stedi_dagster.audits.outcome import Outcome, Severity
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.wording import counted

if TYPE_CHECKING:
    from stedi_dagster.audits.standing.evidence import Evidence


@dataclass(frozen=True)
class Audit:
    """One question about the published tables.

    Attributes:
        name: what `stedi audit` calls it.
        question: the question, which is answered yes when nothing is found.
        on: the tables it may find something in, at whose assets Dagster shows it.
        find: what breaks the rule; nothing when all is well.
        severity: how bad a finding is that does not say so itself.
    """

    name: str
    question: str
    on: tuple[str, ...]
    find: "Callable[[Evidence], Iterable[Finding]]"
    severity: Severity = "ERROR"

    @property
    def check(self) -> str:
        """Its name in Dagster, where the gate has checks of the same tables."""
        return f"standing_{self.name}"


@dataclass(frozen=True)
class Verdict:
    """What came of one audit: findings, or why it could not run; neither when all is well."""

    audit: Audit
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    seconds: float = 0.0
    # What was judged: the current snapshots, by table.
    snapshots: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the audit ran and found nothing."""
        return not self.findings and self.error is None

    @property
    def severity(self) -> Severity:
        """How bad it is if it did not pass: an audit that could not run may have missed anything."""
        worse = self.error is not None or any(finding.fails for finding in self.findings)
        return "ERROR" if worse else self.audit.severity

    @property
    def fails(self) -> bool:
        """Whether `stedi audit` must not exit with 0."""
        return not self.passed and self.severity == "ERROR"

    def outcome(self, table: str) -> Outcome:
        """What it says of one of the tables it is on; of a table without an asset, the last of them tells."""
        if self.error is not None:
            return Outcome(self.audit.check, passed=False, summary=self.error)
        counts: dict[str, int] = {}
        for finding in self.findings:
            shown_on = finding.table if finding.table in self.audit.on else self.audit.on[-1]
            if shown_on == table:
                problem = finding.problem if finding.table == table else f"{finding.table}: {finding.problem}"
                counts[problem] = counts.get(problem, 0) + finding.rows
        summary = "; ".join(counted(rows, problem) for problem, rows in counts.items())
        return Outcome(
            self.audit.check,
            passed=not counts,
            summary=f"Found: {summary}." if counts else "Nothing was found.",
            severity=self.severity,
            counts=counts,
        )
