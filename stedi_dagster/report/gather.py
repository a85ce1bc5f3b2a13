"""Gathers the content of a report: from the tables at one moment, from what they record, and from fresh audits."""

import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import duckdb
from pyiceberg.table import Table

from stedi_dagster.audits.standing.audit import Verdict
from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.audits.standing.evidence import Evidence, evidence_of, unreadable
from stedi_dagster.audits.standing.judging import judge
from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import TABLES
from stedi_dagster.erasure.ledger import Ledger, unfinished
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import LandingSummary, SnapshotSummary
from stedi_dagster.locations import is_s3
from stedi_dagster.report.facts import (
    AuditFacts,
    Books,
    Consents,
    ExportFacts,
    Facts,
    Quarantined,
    ReleaseFacts,
    State,
    Step,
    TableFacts,
)
from stedi_dagster.settings import Settings
from stedi_dagster.sql.library import EXPLORE
from stedi_dagster.storage import storage_errors

_DAY_MS = 24 * 60 * 60 * 1000
DEFAULT_DAYS = 30
# Why people are missing from a step of the funnel, in the order of `sql/explore/consent_funnel.sql`.
_WITHOUT = (
    "",
    "are further records of the same people",
    "do not agree, or no longer do",
    "agree and are withheld by another rule",
    "have no accelerometer readings that may be used",
    "have no step readings that may be used",
    "have no step and accelerometer readings of the same time",
)


def beginning(since: str | None) -> int:
    """When a report's period begins, in epoch ms: a day's first moment in UTC, by default that of 30 days ago.

    Raises:
        StediError: it is not a date, or in the future.
    """
    now_ms = time.time_ns() // 1_000_000
    if since is None:
        return (now_ms // _DAY_MS - DEFAULT_DAYS) * _DAY_MS
    try:
        day = datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise StediError(f"--since {since!r} is not a date: write it like 2026-01-31.") from None
    first_ms = int(day.timestamp() * 1000)
    if first_ms > now_ms:
        raise StediError(f"--since {since} is in the future: give the first day of a period that has begun.")
    return first_ms


def gather(
    settings: Settings, lakehouse: Lakehouse, *, consistent_read: AbstractContextManager[None], since_ms: int
) -> Facts:
    """Gather everything that a report says.

    Args:
        settings: the rules in force.
        lakehouse: where the tables are.
        consistent_read: entered while the catalog is read, so that no run publishes half of its tables meanwhile.
        since_ms: when the period begins.

    Raises:
        BusyError: a run took too long.
        StediError: nothing is published, or the tables cannot be read.
    """
    with evidence_of(settings, lakehouse, consistent_read=consistent_read) as evidence:
        with storage_errors("reading the ledger of erasures", outcome=""):
            erasures = Ledger(lakehouse).erasures()
        audits = tuple(audit_facts(judge(audit, evidence)) for audit in AUDITS)
        missing = tuple(name for name in TABLES if name not in evidence.tables)
        try:
            return Facts(
                lakehouse=lakehouse.identity.lakehouse,
                database=settings.database,
                catalog={"sqlite": "SQLite", "glue": "AWS Glue"}[settings.catalog],
                storage=_storage(settings.warehouse_location),
                version=version("stedi-dagster"),
                since_ms=since_ms,
                made_ms=evidence.now_ms,
                policy=settings.policy.model_dump(),
                retention_days=settings.retention,
                audits=audits,
                funnel=() if missing else funnel_of(evidence),
                consents=None if missing else _consents(evidence),
                tables=tuple(_table(name, evidence.tables[name]) for name in TABLES if name in evidence.tables),
                missing=missing,
                quarantined=tuple(Quarantined(*row) for row in evidence.ask(EXPLORE / "quarantine.sql")),
                releases=tuple(ReleaseFacts(*row) for row in evidence.ask(EXPLORE / "releases.sql")),
                exports=tuple(ExportFacts(*row) for row in evidence.ask(EXPLORE / "exports.sql")),
                erasures=tuple(
                    each.entry for each in erasures if max(each.erased_at_ms, each.completed_at_ms or 0) >= since_ms
                ),
                unfinished=tuple(each.entry for each in unfinished(erasures)),
                keeps_history=next(audit.state for audit in audits if audit.name == "history"),
            )
        except duckdb.Error as error:
            raise unreadable(error) from None


def _storage(warehouse: str) -> str:
    # Do not name a folder: its name may be a person's.
    return f"the S3 bucket {urlsplit(warehouse).netloc}" if is_s3(warehouse) else "a folder of one machine"


def funnel_of(evidence: Evidence) -> tuple[Step, ...]:
    """From registering to machine_learning_curated."""
    counted = evidence.ask(EXPLORE / "consent_funnel.sql")
    return tuple(
        Step(name.partition(" ")[2], total, without) for (name, total), without in zip(counted, _WITHOUT, strict=True)
    )


def _consents(evidence: Evidence) -> Consents:
    [(_, ever, _, withdrew)] = evidence.ask(EXPLORE / "consent_changes.sql")
    return Consents(ever, withdrew)


def audit_facts(verdict: Verdict) -> AuditFacts:
    """What came of an audit, without what may name a file."""
    state: State = "passed" if verdict.passed else "failed" if verdict.fails else "warns"
    audit = verdict.audit
    return AuditFacts(audit.name, audit.question, audit.on, state, ran=verdict.error is None, problems=verdict.findings)


def _table(name: str, table: Table) -> TableFacts:
    snapshot = table.current_snapshot()
    assert snapshot is not None  # noqa: S101 - `pinned` yields only tables that have one
    rows = int(snapshot.summary.get("total-records") or 0) if snapshot.summary else 0
    contract = TABLES[name]
    summary = SnapshotSummary.from_snapshot(snapshot, name)
    return TableFacts(
        name,
        description=contract.description(),
        personal=contract.personal(),
        rows=rows,
        # As text, because it has more digits than other programs' numbers can hold.
        snapshot_id=str(snapshot.snapshot_id),
        published_ms=snapshot.timestamp_ms,
        policy=summary.policy,
        code=summary.code_version,
        code_now=code_version(contract),
        books=_books(summary),
        snapshots=len(table.metadata.snapshots),
        oldest_ms=min(each.timestamp_ms for each in table.metadata.snapshots),
    )


def _books(summary: SnapshotSummary) -> Books | None:
    if summary.landed is not None:
        rows_in, withheld, kept = _landed(summary.landed)
    elif summary.withheld is not None:
        rows_in, withheld, kept = summary.rows_in or 0, summary.withheld, summary.kept or 0
    else:
        return None
    return Books(rows_in, withheld, kept, summary.withdrawn_since, summary.erased_since)


def _landed(landed: LandingSummary) -> tuple[int, dict[str, int], int]:
    withheld = {"of somebody who was erased": landed.erased} if landed.erased else {}
    withheld |= {f"quarantined: {reason}": texts for reason, texts in landed.quarantined.items()}
    return landed.records, withheld, landed.records - sum(withheld.values())
