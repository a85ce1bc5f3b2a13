"""What an audit found, as Dagster records it: the gate's outcomes and the standing verdicts alike."""

from collections.abc import Mapping

import dagster as dg

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.outcome import Outcome


def check_result(outcome: Outcome, asset_key: dg.AssetKey, *, audited_in: str | None = None) -> dg.AssetCheckResult:
    """An audit's outcome as Dagster records it.

    Args:
        outcome: what was found.
        asset_key: the table's.
        audited_in: the run that found it, where that is another one.
    """
    metadata: dict[str, dg.MetadataValue] = {}
    if outcome.counts:
        metadata = {"counts": _check_counts(outcome), **_numbers(outcome.counts)}
    if audited_in is not None:
        metadata["audited_in"] = dg.MetadataValue.dagster_run(audited_in)
    return dg.AssetCheckResult(
        check_name=outcome.check,
        asset_key=asset_key,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity[outcome.severity],
        description=outcome.summary,
        metadata=metadata,
    )


def _numbers(counts: Mapping[str, int]) -> dict[str, dg.MetadataValue]:
    """Counts as numbers, which Dagster plots. A name with a slash is a file's, which somebody else chose."""
    return {f"rows/{name}": dg.MetadataValue.int(rows) for name, rows in counts.items() if "/" not in name}


def _check_counts(outcome: Outcome) -> dg.TableMetadataValue:
    if outcome.check != CONTRACT:
        return counts_table(outcome.counts, "what")
    schema = dg.TableSchema([dg.TableColumn(name) for name in ("column", "rule")] + [dg.TableColumn("rows", "int")])
    records = []
    for name, rows in outcome.counts.items():
        column, _, rule = name.partition(": ")
        records.append(dg.TableRecord({"column": column, "rule": rule, "rows": rows}))
    return dg.MetadataValue.table(records=records, schema=schema)


def counts_table(counts: Mapping[str, int], name: str) -> dg.TableMetadataValue:
    """Counts as a table of two columns."""
    schema = dg.TableSchema([dg.TableColumn(name, "string"), dg.TableColumn("rows", "int")])
    records = [dg.TableRecord({name: key, "rows": rows}) for key, rows in counts.items()]
    return dg.MetadataValue.table(records=records, schema=schema)
