"""How tables look in Dagster's UI: schemas, lineage, tags, pictures. Everything comes from the contracts and counts."""

import base64
from collections.abc import Mapping
from html import escape

import dagster as dg

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import Contract
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.settings.policy import Policy

Lineage = Mapping[str, tuple[str, str]]

_COLOURS = ("#2f6f4f", "#b5532a", "#c98a1b", "#6a5acd", "#5b7083", "#a23b72")
_WIDTH, _BAR, _LINE = 460, 26, 18


def column_schema(contract: type[Contract], lineage: Lineage) -> dg.TableSchema:
    """The contract's columns as the UI shows them, each with where it comes from.

    The open-source UI draws no column lineage; as a tag, it can be read beside the column.

    Args:
        contract: the table's.
        lineage: see `column_lineage`.
    """
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=spec.name,
                type=spec.type.simpleString(),
                description=spec.meaning,
                constraints=dg.TableColumnConstraints(nullable=spec.nullable),
                tags={"personal_data": spec.personal, **_origin(lineage.get(spec.name))},
            )
            for spec in contract.columns()
        ]
    )


def _origin(upstream: tuple[str, str] | None) -> dict[str, str]:
    return {"from": ".".join(upstream)} if upstream else {}


def column_lineage(lineage: Lineage) -> dg.TableColumnLineage:
    """Which upstream column each column comes from.

    Args:
        lineage: upstream table and column by column.
    """
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=column)]
            for name, (table, column) in lineage.items()
        }
    )


def tags(contract: type[Contract]) -> dict[str, str]:
    """Tags of a table: whether its personal data are under names or under pseudonyms."""
    return {"personal_data": contract.personal()}


def check_result(outcome: Outcome, asset_key: dg.AssetKey) -> dg.AssetCheckResult:
    """An audit's outcome as Dagster records it."""
    return dg.AssetCheckResult(
        check_name=outcome.check,
        asset_key=asset_key,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity[outcome.severity],
        description=outcome.summary,
        metadata={"counts": _check_counts(outcome)} if outcome.counts else {},
    )


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


def draft_metadata(draft: Draft, policy: Policy, seconds: float) -> dict[str, dg.MetadataValue]:
    """What the UI shows of one materialization, apart from where it is published."""
    # Rows of the main input, as `rows_in` and `withheld` are; a pair of readings is counted in `dagster/row_count`.
    kept = draft.rows_in - sum(draft.withheld.values())
    metadata: dict[str, dg.MetadataValue] = {
        "rows_in": dg.MetadataValue.int(draft.rows_in),
        "kept_and_withheld": dg.MetadataValue.md(_picture(kept, draft.withheld)),
        "withheld": counts_table(draft.withheld, "reason"),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
        "unchanged": dg.MetadataValue.bool(draft.commit.unchanged),
        "policy": dg.MetadataValue.json(policy.model_dump()),
        "upstream_snapshots": dg.MetadataValue.json({k: str(v) for k, v in draft.upstream.items()}),
    }
    metadata.update({name: dg.MetadataValue.int(number) for name, number in draft.files_read.items()})
    return metadata


def _picture(kept: int, withheld: Mapping[str, int]) -> str:
    """A bar of kept and withheld rows with a legend, as an image in Markdown."""
    parts = [("kept", kept), *((reason, rows) for reason, rows in withheld.items() if rows)]
    total = sum(rows for _, rows in parts) or 1
    shapes, x = [], 0.0
    for number, (name, rows) in enumerate(parts):
        colour = _COLOURS[min(number, len(_COLOURS) - 1)]
        width = _WIDTH * rows / total
        y = _BAR + (number + 1) * _LINE
        shapes.append(f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>')
        shapes.append(f'<rect x="0" y="{y - 10}" width="11" height="11" fill="{colour}"/>')
        shapes.append(f'<text x="18" y="{y}">{escape(name)}: {rows:,} ({rows / total:.1%})</text>')
        x += width
    height = _BAR + (len(parts) + 1) * _LINE
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="#7a7a7a">{"".join(shapes)}</svg>'
    )
    return f"![kept and withheld rows](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
