"""Releases as an asset: created by the job `release`, and cut again by every run in which somebody has left."""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from stedi_dagster.contracts import MachineLearningCurated, MlRelease
from stedi_dagster.defs.assets.specs import release_spec
from stedi_dagster.defs.audits.results import counts_table
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.defs.resources.lock import POOL
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.drafts.releases import cut_again
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.revisions import Revision, Revisions
from stedi_dagster.releases.facts import Release
from stedi_dagster.settings import Settings
from stedi_dagster.split import PARTS
from stedi_dagster.storage import storage_errors

# Dagster refuses a step that is called like a job.
NAME, STEP = MlRelease.table(), "make_release"
SELECTION = dg.AssetSelection.assets(NAME)
_CURATED = MachineLearningCurated.table()


class ReleaseConfig(dg.Config):
    """What is to be created."""

    name: str | None = Field(
        default=None,
        description="Creates a release of this name. Without one, none is created: whoever has left is taken out of "
        "those that there are.",
    )
    note: str | None = Field(default=None, description="What there is to say of it; names nobody.")


def release_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset `ml_release`.

    Args:
        settings: the rules in force.
    """
    spec = release_spec(
        MlRelease, lineage={name: (_CURATED, name) for name in MachineLearningCurated.names()}, deps=[_CURATED]
    )

    # No `@dg.asset`: nothing is materialized where nothing is created and nobody has left.
    @dg.multi_asset(name=STEP, specs=[spec], pool=POOL)
    def make_release(
        context: dg.AssetExecutionContext, config: ReleaseConfig, run: RunResource
    ) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]

        try:
            with storage_errors(f"making {NAME}"):
                begun = run.begin()
                if config.name is not None:
                    # DuckDB is loaded by those who make releases, not by every run.
                    from stedi_dagster.releases.create import create

                    release = create(settings, begun.lakehouse, config.name, note=config.note, tell=context.log.info)
                    yield dg.MaterializeResult(NAME, metadata=_created(release))
                    return
                # Mostly done by now: whoever publishes machine_learning_curated does so.
                cut_again(begun.lakehouse, run_id=begun.run_id, memory_mb=settings.memory)
                last = Revisions(begun.lakehouse).last()
                cut = [revision for revision in last if revision.number > 1 and revision.made_ms >= begun.now_ms]
        except StediError as error:
            raise failure(error) from None
        if cut:
            yield dg.MaterializeResult(NAME, metadata=_cut(cut))

    return make_release


def record_release(settings: Settings, release: Release) -> None:
    """Have the UI show a release that was created without a run of Dagster's.

    Args:
        settings: say where the UI's instance is.
        release: as it was created.
    """
    with open_instance(settings) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(NAME, metadata=_created(release)))


def _created(release: Release) -> dict[str, dg.MetadataValue]:
    from stedi_dagster.releases.card import as_markdown

    now = release.current
    return {
        "release": dg.MetadataValue.text(release.name),
        "revision": dg.MetadataValue.int(now.number),
        "rows": dg.MetadataValue.int(now.rows),
        "participants": dg.MetadataValue.int(now.participants),
        "parts": counts_table({part: now.parts[part].rows for part in PARTS}, "part"),
        "card": dg.MetadataValue.md(as_markdown(release, MachineLearningCurated.columns())),
    }


def _cut(cut: Sequence[Revision]) -> dict[str, dg.MetadataValue]:
    return {
        "cut_again": counts_table({revision.name: revision.rows_gone for revision in cut}, "release"),
        "rows_gone": dg.MetadataValue.int(sum(revision.rows_gone for revision in cut)),
        "reason": dg.MetadataValue.text(str(cut[0].reason)),
    }
