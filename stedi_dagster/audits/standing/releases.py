"""The audits `releases` and `exports`: of what nobody needs to have made yet."""

from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import MlRelease, ReleaseExports, ReleaseRevisions

# With any of these there is something to be asked.
_ASKED = {"releases": (MlRelease, ReleaseRevisions), "exports": (ReleaseExports,)}


def find_in_releases(evidence: Evidence, question: str) -> list[Finding]:
    """What a file of `sql/verify/` finds in releases or in exports; nothing where there are none.

    Args:
        evidence: the tables.
        question: the name of the file.

    Raises:
        StediError: there is something to be asked, and a table that it is asked of is gone.
    """
    if not any(contract.table() in evidence.tables for contract in _ASKED[question]):
        return []
    return evidence.answer(question)
