"""The standing audits there are: most are files of `sql/verify/`, some are Python functions.

Every run loads this with the code location, so that what an audit needs is imported when it runs.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from stedi_dagster.audits.standing.audit import Audit
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import CONSENTED, RELEASES, TABLES

if TYPE_CHECKING:
    from stedi_dagster.audits.standing.evidence import Evidence

_CUSTOMERS, _PEOPLE = "customer_trusted", "customers_curated"
_READINGS, _STEPS, _PAIRS = "accelerometer_trusted", "step_trainer_trusted", "machine_learning_curated"
_DERIVED = (_CUSTOMERS, _READINGS, _PEOPLE, _STEPS, _PAIRS)


def _asked(name: str, question: str, *on: str) -> Audit:
    """An audit that is a file of `sql/verify/`."""

    def find(evidence: "Evidence") -> list[Finding]:
        return evidence.answer(name)

    return Audit(name, question, on, find)


def _without_consent(evidence: "Evidence") -> Iterable[Finding]:
    from stedi_dagster.audits.standing.consent import find_without_consent

    return find_without_consent(evidence)


def _stale(evidence: "Evidence") -> Iterable[Finding]:
    from stedi_dagster.audits.standing.freshness import find_stale

    return find_stale(evidence)


def _pending(evidence: "Evidence") -> Iterable[Finding]:
    from stedi_dagster.audits.standing.withdrawals import find_pending

    return find_pending(evidence)


def _history(evidence: "Evidence") -> Iterable[Finding]:
    from stedi_dagster.audits.standing.history import find_history

    return find_history(evidence)


def _damaged(evidence: "Evidence") -> Iterable[Finding]:
    from stedi_dagster.audits.standing.files import find_damaged

    return find_damaged(evidence)


# Not on `ml_release`, nor is that of releases: a run may not materialize it, and Dagster would skip all audits then.
EXPORTS = replace(
    _asked("exports", "Is no copy of a release out there that has rows which have had to go since?", _PAIRS),
    severity="WARN",
)
AUDITS: tuple[Audit, ...] = (
    Audit(
        "consent",
        "Is every row of somebody who agrees to research, by what has landed?",
        tuple(name for name in CONSENTED if name not in RELEASES),
        _without_consent,
    ),
    Audit(
        "withdrawals",
        "Is nobody there who has withdrawn in a raw file since?",
        (_CUSTOMERS,),
        _pending,
        severity="WARN",
    ),
    Audit(
        "history",
        "Can nobody travel back further than STEDI_RETENTION?",
        tuple(TABLES),
        _history,
    ),
    Audit(
        "files",
        "Is every file there, as it was published?",
        tuple(TABLES),
        _damaged,
        severity="WARN",
    ),
    _asked("same_person", "Does every row hold readings of its own participant, as they landed?", _PAIRS),
    _asked("one_row_a_person", "Has every person one row, and one participantId?", _CUSTOMERS, _PEOPLE),
    _asked(
        "ambiguous_serials",
        "Is no row of a serial number that several people carry, unless evidence tells whose it is?",
        _STEPS,
        _PAIRS,
    ),
    _asked("duplicates", "Is every reading there once, however often it was delivered?", _READINGS, _STEPS, _PAIRS),
    _asked("references", "Does every row lead to the rows that it was made from?", *_DERIVED),
    _asked("reconciliation", "Are there exactly the rows that the rules make of what landed?", *_DERIVED),
    _asked("personal_data", "Is there nothing that tells who somebody is?", _PAIRS),
    _asked(
        "releases",
        "Is every row of a release one of machine_learning_curated still, in one part, and told of by a revision?",
        _PAIRS,
    ),
    EXPORTS,
    Audit(
        "freshness",
        "Is every table made from what there is now, or from what there was STEDI_FRESHNESS hours ago?",
        tuple(TABLES),
        _stale,
        severity="WARN",
    ),
)
