"""The standing audits as Dagster's asset checks, beside the gate's, and how outcomes are recorded without a run."""

from collections.abc import Iterable, Iterator

import dagster as dg

from stedi_dagster.assets.presentation import check_result
from stedi_dagster.audits.audit import Verdict
from stedi_dagster.audits.catalog import AUDITS
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings

CHECK_KEYS = {audit.name: [dg.AssetCheckKey(dg.AssetKey(table), audit.check) for table in audit.on] for audit in AUDITS}
SELECTION = dg.AssetSelection.checks(*(key for keys in CHECK_KEYS.values() for key in keys))


def standing_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """All audits as one step, of which the UI may run a part: they share one reading of the tables.

    Args:
        settings: the rules in force.
    """
    specs = [
        dg.AssetCheckSpec(audit.check, asset=dg.AssetKey(table), description=audit.question)
        for audit in AUDITS
        for table in audit.on
    ]

    @dg.multi_asset_check(
        name="standing_audits",
        specs=specs,
        can_subset=True,
        required_resource_keys={"lakehouse"},
        description="Asks of what is published whether it keeps the rules, apart from the gate before publishing.",
    )
    def standing_audits(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        # DuckDB and what reads Iceberg are loaded by those who run audits, not by those who load the code location.
        from stedi_dagster.audits.run import run_audits

        chosen = context.selected_asset_check_keys
        audits = [audit for audit in AUDITS if chosen.intersection(CHECK_KEYS[audit.name])]
        resource = context.resources.lakehouse
        try:
            verdicts = list(run_audits(audits, settings, resource.lakehouse(), unmoved=resource.unmoved()))
        except StediError as error:
            verdicts = [Verdict(audit, hindrance=f"The audit could not run: {error}") for audit in audits]
        for verdict in verdicts:
            for key in CHECK_KEYS[verdict.audit.name]:
                if key in chosen:
                    yield _result(verdict, key)

    return standing_audits


def record(verdicts: Iterable[Verdict], instance: dg.DagsterInstance) -> None:
    """Record what audits found without a run, for the UI and for alerts.

    Args:
        verdicts: what came of the audits.
        instance: the instance that the UI shows.
    """
    for verdict in verdicts:
        for key in CHECK_KEYS[verdict.audit.name]:
            result = _result(verdict, key)
            evaluation = dg.AssetCheckEvaluation(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
            )
            instance.report_runless_asset_event(evaluation)


def _result(verdict: Verdict, key: dg.AssetCheckKey) -> dg.AssetCheckResult:
    outcome = verdict.outcome(key.asset_key.path[-1])
    result = check_result(outcome, key.asset_key)
    rows = sum(outcome.counts.values())
    return result.with_metadata({**result.metadata, "rows": rows, "seconds": round(verdict.seconds, 3)})
