"""What must hold before a release is created or handed out: neither can be called back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from pyiceberg.table import Table

from stedi_dagster.audits.standing.audit import Verdict
from stedi_dagster.audits.standing.catalog import AUDITS, EXPORTS
from stedi_dagster.audits.standing.evidence import Evidence, evidence_of
from stedi_dagster.audits.standing.judging import judge
from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.drafts.releases import cut_again
from stedi_dagster.erasure.ledger import Ledger, unfinished
from stedi_dagster.errors import ReleaseError, StediError
from stedi_dagster.lakehouse.audit_record import AuditRecord
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.settings import Settings
from stedi_dagster.wording import counted

_CURATED = MachineLearningCurated.table()


@dataclass(frozen=True)
class Fit:
    """What releases are made of, and what was found of it just now.

    Attributes:
        curated: machine_learning_curated as it is.
        audited: what the audits looked at.
        verdicts: what they said.
    """

    curated: Snapshot
    audited: Evidence
    verdicts: tuple[Verdict, ...]


@contextmanager
def fit(settings: Settings, lakehouse: Lakehouse, *, doing: str, tell: Callable[[str], None]) -> Iterator[Fit]:
    """While it lasts, what is published may be handed out: gate and standing audits pass, and releases are cut again.

    Args:
        settings: the rules in force.
        lakehouse: the caller holds its writer lock.
        doing: what this is for, as a part of what is recorded.
        tell: told what is happening.

    Raises:
        ReleaseError: it may not, and why.
        StediError: the tables cannot be read.
    """
    curated = _publishable(settings, lakehouse)
    cut_again(lakehouse, run_id=doing, memory_mb=settings.memory)
    with evidence_of(settings, lakehouse, consistent_read=nullcontext()) as audited:
        verdicts = []
        for audit in AUDITS:
            tell(f"Auditing {audit.name}")
            verdicts.append(judge(audit, audited))
        _refuse_failed(verdicts)
        yield Fit(curated, audited, tuple(verdicts))


def outcomes_of(table: Table | None) -> dict[str, dict[str, Any]]:
    """What each check before publishing found of a table's current snapshot; nothing where it was not checked."""
    record = AuditRecord.of(table) if table else None
    return {outcome["check"]: outcome for outcome in record.outcomes} if record else {}


def _publishable(settings: Settings, lakehouse: Lakehouse) -> Snapshot:
    """The table as it is, if the gate has let it through under the rules in force.

    Raises:
        ReleaseError: no release of it may be made or handed out.
        StediError: it was never published.
    """
    if settings.policy.match != "person":
        raise ReleaseError(
            "Under STEDI_MATCH=timestamp a row may hold the readings of two people, either of whom may withdraw or be "
            "in another part: there are releases under STEDI_MATCH=person only."
        )
    if unfinished(Ledger(lakehouse).erasures()):
        raise ReleaseError("An erasure was interrupted: `stedi run` finishes it first.")
    curated = lakehouse.read(_CURATED, MachineLearningCurated)
    if curated is None:
        raise StediError(f"{_CURATED} has not been published yet: run `stedi run`.")
    if curated.summary.policy != settings.policy.model_dump():
        raise ReleaseError(f"{_CURATED} was made by other rules than those in force now: run `stedi run` first.")
    found = outcomes_of(curated.table)
    if not found:
        raise ReleaseError(
            f"{_CURATED} is not what the gate let through: rows were deleted from it since. Run `stedi run` first."
        )
    if failed := [name for name, outcome in found.items() if not outcome["passed"]]:
        raise ReleaseError(
            f"Checks of {_CURATED} did not pass: {', '.join(failed)}. `stedi run` tells what they found."
        )
    return curated


def _refuse_failed(verdicts: Sequence[Verdict]) -> None:
    """Refuse where a standing audit did not pass.

    Raises:
        ReleaseError: one did not, and what it found.
    """
    # Copies of earlier releases that are out of date say nothing against a new one.
    bad = [verdict for verdict in verdicts if not verdict.passed and verdict.audit is not EXPORTS]
    if bad:
        told = "; ".join(f"{verdict.audit.name}: {_said(verdict)}" for verdict in bad)
        raise ReleaseError(
            f"No release is created or handed out while a standing audit does not pass. {told}. `stedi audit` tells "
            "more."
        )


def _said(verdict: Verdict) -> str:
    if verdict.error is not None:
        return verdict.error.rstrip(".")
    return ", ".join(f"{finding.table}, {counted(finding.rows, finding.problem)}" for finding in verdict.findings)
