"""Running audits: the one way for `stedi audit` and for Dagster."""

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import duckdb
import pyarrow as pa

from stedi_dagster.audits.standing.audit import Audit, Verdict
from stedi_dagster.audits.standing.evidence import Evidence, evidence_of
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors


def run_audits(
    audits: Iterable[Audit], settings: Settings, lakehouse: Lakehouse, *, consistent_read: AbstractContextManager[None]
) -> Iterator[Verdict]:
    """Run audits one after the other, on the tables as they are at one moment.

    Args:
        audits: which.
        settings: the rules in force.
        lakehouse: where the tables are.
        consistent_read: entered while the catalog is read, so that no run publishes half of its tables meanwhile.

    Raises:
        BusyError: a run went on for too long.
        StediError: nothing is published, or the tables cannot be read.
    """
    with evidence_of(settings, lakehouse, consistent_read=consistent_read) as evidence:
        for audit in audits:
            yield judge(audit, evidence)


def judge(audit: Audit, evidence: Evidence) -> Verdict:
    """Run one audit; what keeps it from running is in the verdict."""
    started = time.perf_counter()
    found: tuple[Finding, ...] = ()
    problem = None
    try:
        with storage_errors(f"auditing {audit.name}", outcome=""):
            found = tuple(audit.find(evidence))
    except StediError as error:
        problem = f"The audit could not run: {error}"
    except duckdb.OutOfMemoryException:
        problem = "The audit could not run: it needs more memory than STEDI_MEMORY, or the machine, gives it."
    except (duckdb.Error, pa.ArrowException) as error:
        # Not in its own words: they may quote a value.
        problem = f"The audit could not run: reading the tables failed ({type(error).__name__})."
    seconds = time.perf_counter() - started
    return Verdict(audit, found, problem, seconds, evidence.snapshots)
