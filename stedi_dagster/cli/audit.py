"""`stedi audit`: the standing audits outside a Dagster run; their findings are recorded for its UI."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from stedi_dagster.audits.standing.audit import Verdict
from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.audits.standing.judging import run_audits
from stedi_dagster.cli.grid import show
from stedi_dagster.cli.pipes import while_somebody_reads
from stedi_dagster.cli.tables import consistent_read, open_lakehouse
from stedi_dagster.settings import Settings


def audit_everything(*, as_json: bool) -> bool:
    """Run every audit, record and print the outcome; return whether none failed.

    Raises:
        StediError: nothing is published, a run takes too long, or the tables cannot be read.
    """
    settings = Settings.load()
    lakehouse = open_lakehouse()
    reading = consistent_read(settings, lakehouse, "stedi audit")
    verdicts = list(run_audits(AUDITS, settings, lakehouse, consistent_read=reading))
    problems = _record(verdicts, settings)
    passed = not any(verdict.fails for verdict in verdicts)
    with while_somebody_reads():
        if as_json:
            result = {"passed": passed, "audits": [_as_dict(verdict) for verdict in verdicts]}
            sys.stdout.write(f"{json.dumps(result, indent=2)}\n")
        else:
            show([row for verdict in verdicts for row in _rows(verdict)], as_json=False)
    for problem in problems:
        sys.stderr.write(f"stedi: {problem}\n")
    return passed


def _record(verdicts: list[Verdict], settings: Settings) -> list[str]:
    """Record the findings and send alerts; return the problems with sending."""
    # Only after the work, because loading Dagster takes memory that the audits can use.
    from stedi_dagster.defs.alerts.record import send_alerts
    from stedi_dagster.defs.audits.recording import record
    from stedi_dagster.defs.instance.opening import open_instance

    with open_instance(settings) as instance:
        record(verdicts, instance)
        return send_alerts(settings, instance)


def _as_dict(verdict: Verdict) -> dict[str, Any]:
    return {
        "audit": verdict.audit.name,
        "question": verdict.audit.question,
        "on": verdict.audit.on,
        "outcome": _outcome(verdict),
        "findings": [asdict(finding) for finding in verdict.findings],
        "could_not_run": verdict.error,
        "seconds": round(verdict.seconds, 3),
    }


def _rows(verdict: Verdict) -> Iterator[dict[str, Any]]:
    tables = verdict.audit.on
    row = {"audit": verdict.audit.name, "on": tables[0] if len(tables) == 1 else f"{len(tables)} tables"}
    row["outcome"] = _outcome(verdict)
    if not verdict.findings:
        yield {**row, "rows": None, "what": verdict.error}
    for finding in verdict.findings:
        yield {**row, "on": finding.table, "rows": f"{finding.rows:,}", "what": finding.problem}


def _outcome(verdict: Verdict) -> str:
    return "passed" if verdict.passed else verdict.severity
