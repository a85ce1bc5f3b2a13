"""Running audits: the one way for `stedi audit` and for Dagster."""

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import duckdb
import pyarrow as pa

from stedi_dagster.audits.audit import Audit, Finding, Verdict
from stedi_dagster.audits.evidence import Evidence, evidence_of
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.settings import Settings
from stedi_dagster.storage import storage_errors


def run_audits(
    audits: Iterable[Audit], settings: Settings, lakehouse: Lakehouse, *, unmoved: AbstractContextManager[None]
) -> Iterator[Verdict]:
    """Run audits one after the other, on the tables as they are at one moment.

    Args:
        audits: which.
        settings: the rules in force.
        lakehouse: where the tables are.
        unmoved: entered while the catalog is read, so that no run publishes half of its tables meanwhile.

    Raises:
        BusyError: a run went on for too long.
        StediError: nothing is published, or the tables cannot be read.
    """
    with evidence_of(settings, lakehouse, unmoved=unmoved) as evidence:
        for audit in audits:
            yield judge(audit, evidence)


def judge(audit: Audit, evidence: Evidence) -> Verdict:
    """Run one audit; what keeps it from running is in the verdict."""
    started = time.perf_counter()
    found: tuple[Finding, ...] = ()
    hindrance = None
    try:
        with storage_errors(f"auditing {audit.name}", outcome=""):
            found = tuple(audit.find(evidence))
    except StediError as error:
        hindrance = f"The audit could not run: {error}"
    except (duckdb.Error, pa.ArrowException) as error:
        # Not in its own words: they may quote a value.
        hindrance = f"The audit could not run: reading the tables failed ({type(error).__name__})."
    seconds = time.perf_counter() - started
    return Verdict(audit, found, hindrance, seconds, evidence.snapshots)
