"""The standing audits as Dagster's asset checks, beside the gate's."""

from collections.abc import Iterator

import dagster as dg

from stedi_dagster.audits.standing.audit import Verdict
from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.defs.audits.recording import CHECK_KEYS, result_of
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.defs.resources.lock import POOL, WriterLockResource
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings

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
        pool=POOL,
        description="Asks of what is published whether it keeps the rules, apart from the gate before publishing.",
    )
    def standing_audits(
        context: dg.AssetCheckExecutionContext, lakehouse: LakehouseResource, lock: WriterLockResource
    ) -> Iterator[dg.AssetCheckResult]:
        # DuckDB and what reads Iceberg are loaded by those who run audits, not by those who load the code location.
        from stedi_dagster.audits.standing.judging import run_audits

        chosen = context.selected_asset_check_keys
        audits = [audit for audit in AUDITS if chosen.intersection(CHECK_KEYS[audit.name])]
        try:
            verdicts = list(run_audits(audits, settings, lakehouse.lakehouse(), consistent_read=lock.consistent_read()))
        except StediError as error:
            verdicts = [Verdict(audit, error=f"The audit could not run: {error}") for audit in audits]
        for verdict in verdicts:
            for key in CHECK_KEYS[verdict.audit.name]:
                if key in chosen:
                    yield result_of(verdict, key)

    return standing_audits
