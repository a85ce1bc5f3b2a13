"""The raw files of the feeds as source assets: observed and never made. Their data version is the digest of a listing.

Whoever delivers files writes them; here lineage begins.
"""

import dagster as dg

from stedi_dagster.defs.assets.specs import knowingly_beta
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.resources.rules import LandingResource
from stedi_dagster.errors import StediError
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import Listing, list_files

GROUP = "raw"
# While `table_automation` is on: how often it is looked for new files.
_LOOKED = "*/5 * * * *"


def key_of(feed: Feed) -> dg.AssetKey:
    """The key of a feed's source asset."""
    return dg.AssetKey(f"{feed.name}_feed")


def observation(feed: Feed, listing: Listing) -> dg.AssetObservation:
    """A listing as Dagster records it outside of a run."""
    tags = {"dagster/data_version": listing.digest()}
    return dg.AssetObservation(key_of(feed), metadata=_numbers(listing), tags=tags)


def _numbers(listing: Listing) -> dict[str, int]:
    """What a listing says of a feed, in numbers: whoever delivers a file chooses its name."""
    return {"files": len(listing.files), "bytes": listing.size, "markers_skipped": len(listing.markers)}


def _feed_asset(feed: Feed) -> dg.SourceAsset:
    def look(landing: LandingResource) -> dg.ObserveResult:
        try:
            listing = list_files(landing.location, feed)
        except StediError as error:
            raise failure(error) from None
        return dg.ObserveResult(data_version=dg.DataVersion(listing.digest()), metadata=_numbers(listing))

    with knowingly_beta():
        observable = dg.observable_source_asset(
            key=key_of(feed),
            group_name=GROUP,
            description=f"The files below {feed.folder} in the landing zone, as they were last listed.",
            tags={"dagster/kind/json": "", "personal_data": "yes"},
            automation_condition=dg.AutomationCondition.cron_tick_passed(_LOOKED),
        )
    return observable(look)


feeds = [_feed_asset(feed) for feed in FEEDS.values()]
SELECTION = dg.AssetSelection.assets(*(key_of(feed) for feed in FEEDS.values()))
