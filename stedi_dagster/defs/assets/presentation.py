"""How tables look in Dagster's UI: schemas, lineage, tags, pictures. Everything comes from the contracts and counts."""

import base64
from collections.abc import Mapping
from html import escape

import dagster as dg

from stedi_dagster.audits.gate.evidence import CHECK as EVIDENCE
from stedi_dagster.audits.gate.evidence import ROWS
from stedi_dagster.contracts import Contract
from stedi_dagster.defs.audits.results import counts_table
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


def draft_metadata(draft: Draft, seconds: float) -> dict[str, dg.MetadataValue]:
    """What the UI shows of the materialization of any table, apart from where it is published."""
    return {
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
        "unchanged": dg.MetadataValue.bool(draft.commit.unchanged),
        "made": dg.MetadataValue.text(draft.made.value),
        **({"why": dg.MetadataValue.text(draft.why)} if draft.why else {}),
        "rows_added": dg.MetadataValue.int(draft.commit.rows_added),
        "rows_taken_out": dg.MetadataValue.int(draft.commit.rows_taken_out),
        "data_files": dg.MetadataValue.int(len(draft.commit.files.paths)),
        **({"audited_in": dg.MetadataValue.dagster_run(draft.audited_in)} if draft.audited_in else {}),
        "upstream_snapshots": dg.MetadataValue.json({k: str(v) for k, v in draft.upstream.items()}),
        **{name: dg.MetadataValue.int(number) for name, number in draft.counted.items()},
        **_evidence(draft),
    }


def _evidence(draft: Draft) -> dict[str, dg.MetadataValue]:
    """How many rows rest on evidence, of a table in which some may."""
    found = next((outcome for outcome in draft.outcomes if outcome.check == EVIDENCE), None)
    return {"rows_on_evidence": dg.MetadataValue.int(found.counts.get(ROWS, 0))} if found else {}


def rows_metadata(draft: Draft, policy: Policy) -> dict[str, dg.MetadataValue]:
    """Which rows were kept and withheld, by which rules; also as numbers, which Dagster plots."""
    # Rows of the main input, as `rows_in` and `withheld` are; a pair of readings is counted in `dagster/row_count`.
    kept = draft.rows_in - sum(draft.withheld.values())
    return {
        "rows_in": dg.MetadataValue.int(draft.rows_in),
        "kept": dg.MetadataValue.int(kept),
        "kept_and_withheld": dg.MetadataValue.md(_picture(kept, draft.withheld)),
        "withheld": counts_table(draft.withheld, "reason"),
        **{f"withheld/{reason}": dg.MetadataValue.int(rows) for reason, rows in draft.withheld.items()},
        "policy": dg.MetadataValue.json(policy.model_dump()),
    }


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
