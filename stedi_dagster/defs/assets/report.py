"""The report as an asset: made by the job `report`, kept in STEDI_HOME, found from the UI."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from stedi_dagster.defs.assets.specs import OWNER
from stedi_dagster.defs.audits.results import counts_table
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.defs.resources.lock import POOL, WriterLockResource
from stedi_dagster.errors import StediError, StorageError
from stedi_dagster.settings import Settings

NAME, GROUP, FOLDER = "report", "reports", "reports"
SELECTION = dg.AssetSelection.assets(NAME)


class Period(dg.Config):
    """What a report covers."""

    since: str | None = Field(
        default=None, description="First day of the period, as 2026-01-31; by default 30 days ago."
    )


def report_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset `report`.

    Args:
        settings: the rules in force.
    """
    spec = dg.AssetSpec(
        NAME,
        group_name=GROUP,
        deps=["machine_learning_curated"],
        kinds={"html"},
        owners=[OWNER],
        description="A page to hand over: the consent funnel, what is published by which rules, who was withheld and "
        "why, the standing audits, erasures. Counts only, as `stedi report` makes it.",
    )

    # No `@dg.asset`: its step would be called like the job `report`, which Dagster refuses.
    @dg.multi_asset(name="make_report", specs=[spec], pool=POOL)
    def make_report(config: Period, lakehouse: LakehouseResource, lock: WriterLockResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        # DuckDB and Jinja are loaded by who makes reports, not by those who load the code location.
        from stedi_dagster.report.gather import beginning, gather
        from stedi_dagster.report.page import render

        try:
            since_ms = beginning(config.since)
            facts = gather(settings, lakehouse.lakehouse(), consistent_read=lock.consistent_read(), since_ms=since_ms)
            path = _keep(render(facts), settings.home / FOLDER, facts.made_ms)
        except StediError as error:
            raise failure(error) from None
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(path)),
                "verdict": facts.verdict,
                "audits": len(facts.audits),
                "audits_failed": sum(audit.state == "failed" for audit in facts.audits),
                "audits_warning": sum(audit.state == "warns" for audit in facts.audits),
                "funnel": counts_table({step.name: step.total for step in facts.funnel}, "step"),
                "erasures": len(facts.erasures),
                "erasures_unfinished": len(facts.unfinished),
            }
        )

    return make_report


def _keep(page: str, folder: Path, made_ms: int) -> Path:
    moment = datetime.fromtimestamp(made_ms / 1000, tz=UTC)
    path = folder / f"{moment:%Y-%m-%dT%H-%M-%S}.{made_ms % 1000:03}Z.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The report cannot be written to {folder} ({error.strerror}): check the folder.") from None
    return path
