"""The one place that wires assets, checks, jobs, schedules, sensors and resources."""

from collections.abc import Iterable

import dagster as dg

from stedi_dagster.defs import assets
from stedi_dagster.defs.assets.release import release_asset
from stedi_dagster.defs.assets.report import report_asset
from stedi_dagster.defs.assets.restricted import erasures
from stedi_dagster.defs.assets.specs import with_freshness
from stedi_dagster.defs.assets.standing_audits import standing_checks
from stedi_dagster.defs.jobs import jobs_for
from stedi_dagster.defs.resources.configured import resources_for
from stedi_dagster.defs.schedules import schedules_for
from stedi_dagster.defs.sensors import sensors_for
from stedi_dagster.settings import Settings


def build_defs(settings: Settings, *, instead: Iterable[dg.AssetsDefinition] = ()) -> dg.Definitions:
    """Everything, under the given settings.

    Args:
        settings: where, how and by which rules.
        instead: assets that take the place of the platform's own of the same key.
    """
    replacing = list(instead)
    replaced = {asset.key for asset in replacing}
    # Whatever a module of the package defines is there: a new table is entered in no list.
    own = [
        asset
        for asset in dg.load_assets_from_package_module(assets)
        if not (isinstance(asset, dg.AssetsDefinition) and asset.keys & replaced)
    ]
    everything = [*own, *replacing, erasures, release_asset(settings), report_asset(settings)]
    return dg.Definitions(
        assets=[with_freshness(asset, settings.freshness) for asset in everything],
        asset_checks=[standing_checks(settings)],
        jobs=jobs_for(settings),
        schedules=schedules_for(settings),
        sensors=sensors_for(settings),
        resources=resources_for(settings),
        # One process a run: its steps share one engine session and one writer lock.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads, under the settings of the environment."""
    return build_defs(Settings.load())
