"""The landing layer: one asset a feed."""

from collections.abc import Mapping

import dagster as dg

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.quarantine import CHECK as QUARANTINE
from stedi_dagster.audits.gate.reconciliation import CHECK as RECONCILIATION
from stedi_dagster.audits.gate.volume import CHECK as VOLUME
from stedi_dagster.defs.assets.table_asset import build_asset, warn_of
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.feed_checks import FeedLimits
from stedi_dagster.drafts.landing import draft_landing
from stedi_dagster.drafts.refused import enforce_withdrawals
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import list_files
from stedi_dagster.run_tags import ACCEPT_VOLUME, names_in


def _landing_asset(feed: Feed) -> dg.AssetsDefinition:
    def drafting(context: dg.AssetExecutionContext, resource: RunResource, _inputs: Mapping[str, Snapshot]) -> Draft:
        run, landing = resource.begin(), resource.landing
        try:
            listing = list_files(landing.location, feed)
            if listing.markers:
                skipped = "%d files or folders begin with _ or . and are skipped as markers"
                context.log.info(skipped, len(listing.markers))
            limits = FeedLimits(
                max_bad_share=landing.max_bad_share,
                max_shrink=landing.max_shrink,
                volume_accepted=feed.name in names_in(context.run.tags, ACCEPT_VOLUME),
            )
            draft = draft_landing(run, feed, listing, limits)
        except StediError:
            warn_of(enforce_withdrawals(run, feed, landing.location, None), context)
            raise
        if draft.blocked:
            warn_of(enforce_withdrawals(run, feed, landing.location, draft), context)
        return draft

    return build_asset(
        feed.contract,
        inputs=(),
        checks=(CONTRACT, RECONCILIATION, QUARANTINE, VOLUME),
        lineage={},
        drafting=drafting,
    )


tables = [_landing_asset(feed) for feed in FEEDS.values()]
