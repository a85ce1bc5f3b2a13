"""What the gate found of what is published: while nothing that it follows from is new, it is not asked again."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.code_version import audit_version
from stedi_dagster.drafts.run import Run
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.lakehouse.audit_record import AuditRecord
from stedi_dagster.lakehouse.commit import Commit

_OUTCOMES = TypeAdapter(tuple[Outcome, ...])


class Findings:
    """What the gate finds of one table, now or in an earlier run."""

    def __init__(self, run: Run, checks: Sequence[str], **judged_by: Any) -> None:
        """Say what the findings follow from, besides the table's content.

        Args:
            run: the run.
            checks: the names of the checks.
            judged_by: whatever else the checks look at: snapshots, rules, limits.
        """
        self._run_id = run.run_id
        self._checks = list(checks)
        self._against = fingerprint({"code": audit_version(), "checks": self._checks, **judged_by})

    def of_earlier(self, commit: Commit) -> tuple[tuple[Outcome, ...], str] | None:
        """What was found of the snapshot that a table has already, and in which run; None where it must be looked at.

        Args:
            commit: as `Lakehouse.unchanged` found it.
        """
        record = AuditRecord.of(commit.table)
        if record is None or record.against != self._against:
            return None
        try:
            outcomes = _OUTCOMES.validate_python(record.outcomes)
        except ValidationError:
            # Another program's: it is audited again.
            return None
        return (outcomes, record.run_id) if [outcome.check for outcome in outcomes] == self._checks else None

    def record(self, commit: Commit, outcomes: Sequence[Outcome] = ()) -> None:
        """Have a commit record what this run has found; of what is blocked nothing is ever committed.

        Args:
            commit: not yet published.
            outcomes: in the order of the checks.
        """
        recorded = _OUTCOMES.dump_python(tuple(outcomes))
        commit.audit = AuditRecord(against=self._against, run_id=self._run_id, outcomes=recorded)
