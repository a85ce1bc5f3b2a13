"""How verdicts of standing audits are recorded without a step of Dagster's, and what a run does to the last ones.

A check belongs to one materialization for Dagster: each newer one, also of an unchanged table, would leave it without
a verdict.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import dagster as dg

from stedi_dagster.audits.standing.audit import Audit, Verdict
from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.defs.audits.results import check_result

CHECK_KEYS = {audit.name: [dg.AssetCheckKey(dg.AssetKey(table), audit.check) for table in audit.on] for audit in AUDITS}
_ALL = [key for keys in CHECK_KEYS.values() for key in keys]

# Entries of an evaluation's metadata: what was judged, when, and the run that had it judged again.
SNAPSHOT, JUDGED, RUN = "snapshot_id", "judged", "judged_by"
# How far back a verdict is looked for behind plans that came to nothing.
_HISTORY = 20

Judging = Callable[[Sequence[Audit]], Iterable[Verdict]]


@dataclass(frozen=True)
class _Last:
    """The last verdict on a check."""

    evaluation: dg.AssetCheckEvaluation
    run_id: str
    at: float

    @property
    def passed(self) -> bool:
        """Whether all was well."""
        return self.evaluation.passed

    @property
    def judged(self) -> float:
        """When, which may be longer ago than it was recorded."""
        entry = self.evaluation.metadata.get(JUDGED)
        return float(entry.value) if isinstance(entry, dg.TimestampMetadataValue) else self.at

    def holds_of(self, made: dg.EventLogRecord | None) -> bool:
        """Whether a table is what was judged, by its last materialization."""
        entry = made.asset_materialization.metadata.get(SNAPSHOT) if made and made.asset_materialization else None
        judged = self.evaluation.metadata.get(SNAPSHOT)
        return entry is not None and judged is not None and entry.value == judged.value


def result_of(verdict: Verdict, key: dg.AssetCheckKey) -> dg.AssetCheckResult:
    """A verdict on one table, as Dagster records it."""
    table = key.asset_key.path[-1]
    outcome = verdict.outcome(table)
    result = check_result(outcome, key.asset_key)
    more = {"rows": sum(outcome.counts.values()), "seconds": round(verdict.seconds, 3)}
    snapshot = verdict.snapshots.get(table)
    judged = {} if snapshot is None else {SNAPSHOT: str(snapshot)}
    return result.with_metadata({**result.metadata, **more, **judged})


def record(verdicts: Iterable[Verdict], instance: dg.DagsterInstance, *, run_id: str | None = None) -> None:
    """Record what audits found without a step, for the UI and for alerts.

    Args:
        verdicts: what came of the audits.
        instance: the instance that the UI shows.
        run_id: the run at whose end they were asked, if it was one.
    """
    by = {RUN: dg.MetadataValue.dagster_run(run_id)} if run_id else {}
    last_made = _last_made(instance)
    for verdict in verdicts:
        for key in CHECK_KEYS[verdict.audit.name]:
            result = result_of(verdict, key)
            _report(instance, key, result, {**result.metadata, **by}, result.description, last_made(key.asset_key))


def settle(instance: dg.DagsterInstance, run_id: str, judge: Judging, *, changed: bool) -> None:
    """At the end of a run: keep the verdicts that still hold, and judge again what failed.

    A verdict holds while its table's snapshot is the one that was judged. What has not passed is judged again if the
    run may have mended it, so that the run tells of the recovery. A check that was planned with a table that was then
    not published keeps its verdict, or gets one. All else is left without a verdict until somebody audits, because
    nobody has judged what is published now.

    Args:
        instance: where the verdicts are.
        run_id: the run.
        judge: runs audits; called at most once, and only where there is something to judge.
        changed: whether the run may have changed what is published or kept.
    """
    planned, last = _last_verdicts(instance, run_id)
    last_made = _last_made(instance)
    again = planned - last.keys()
    kept: dict[dg.AssetCheckKey, _Last] = {}
    for key, verdict in last.items():
        if verdict.run_id == run_id:
            continue
        if changed and not verdict.passed:
            again.add(key)
            continue
        made = last_made(key.asset_key)
        if verdict.holds_of(made):
            if key in planned or (made is not None and made.run_id == run_id):
                kept[key] = verdict
        elif key in planned:
            again.add(key)
    audits = [audit for audit in AUDITS if again.intersection(CHECK_KEYS[audit.name])]
    judged = {key for audit in audits for key in CHECK_KEYS[audit.name]}
    for key in kept.keys() - judged:
        _keep(instance, key, kept[key], last_made(key.asset_key))
    if audits:
        record(judge(audits), instance, run_id=run_id)


def failing_audits(instance: dg.DagsterInstance) -> list[Audit]:
    """The audits whose last verdict, on any table, is not that all is well."""
    _, last = _last_verdicts(instance, "")
    return [audit for audit in AUDITS if any(key in last and not last[key].passed for key in CHECK_KEYS[audit.name])]


def _last_verdicts(
    instance: dg.DagsterInstance, run_id: str
) -> tuple[set[dg.AssetCheckKey], dict[dg.AssetCheckKey, _Last]]:
    """Checks that a run planned and did not judge; and the last verdict on each check that has one.

    What another run has planned is not touched: it may still come to its verdict.
    """
    planned, found = set(), {}
    for key, latest in instance.event_log_storage.get_latest_asset_check_execution_by_key(_ALL).items():
        told = latest
        if not _judges(latest) and latest.run_id == run_id:
            planned.add(key)
            history = instance.event_log_storage.get_asset_check_execution_history(key, _HISTORY)
            told = next(filter(_judges, history), latest)
        if told.evaluation is not None and _judges(told):
            found[key] = _Last(told.evaluation, told.run_id, told.event.timestamp if told.event else 0.0)
    return planned, found


def _judges(execution: Any) -> bool:
    """Whether it has come to a verdict: what is only planned says so in the same place."""
    return isinstance(execution.evaluation, dg.AssetCheckEvaluation)


def _last_made(instance: dg.DagsterInstance) -> Callable[[dg.AssetKey], dg.EventLogRecord | None]:
    """The last materialization of a table, asked for once."""

    @cache
    def find(table: dg.AssetKey) -> dg.EventLogRecord | None:
        return next(iter(instance.fetch_materializations(table, limit=1).records), None)

    return find


def _keep(instance: dg.DagsterInstance, key: dg.AssetCheckKey, last: _Last, made: dg.EventLogRecord | None) -> None:
    """Record a verdict once more, with when it was come to."""
    told = last.evaluation
    description = told.description or ""
    if JUDGED not in told.metadata:
        moment = datetime.fromtimestamp(last.judged, tz=UTC)
        description = f"{description} Judged {moment:%Y-%m-%d %H:%M} UTC; the table has not changed since.".strip()
    metadata = {**told.metadata, JUDGED: dg.MetadataValue.timestamp(last.judged)}
    _report(instance, key, told, metadata, description, made)


def _report(
    instance: dg.DagsterInstance,
    key: dg.AssetCheckKey,
    told: dg.AssetCheckResult | dg.AssetCheckEvaluation,
    metadata: Mapping[str, dg.MetadataValue],
    description: str | None,
    made: dg.EventLogRecord | None,
) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=told.passed,
            metadata=metadata,
            severity=told.severity,
            description=description,
            target_materialization_data=_target(made),
        )
    )


def _target(made: dg.EventLogRecord | None) -> Any:
    """The materialization that a verdict is on.

    Without it Dagster compares times, of which one is rounded to seconds. It has no public name for the class.
    """
    if made is None:
        return None
    named = {"__class__": "AssetCheckEvaluationTargetMaterializationData"}
    return dg.deserialize_value(
        json.dumps({**named, "storage_id": made.storage_id, "run_id": made.run_id, "timestamp": made.timestamp})
    )
