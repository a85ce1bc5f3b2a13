"""The landing layer: a feed's table and its quarantine, made by one step."""

import time
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg

from stedi_dagster.contracts import LandedFiles, Quarantine
from stedi_dagster.defs.assets import feeds
from stedi_dagster.defs.assets.restricted import ERASURES
from stedi_dagster.defs.assets.specs import restricted_spec, table_spec
from stedi_dagster.defs.assets.table_asset import IO_MANAGER, check_specs, made, published, refused, warn_of
from stedi_dagster.defs.resources.lock import POOL
from stedi_dagster.defs.resources.rules import LandingResource
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.feed_checks import CHECKS, FeedLimits
from stedi_dagster.drafts.landing import QUARANTINED, draft_landing
from stedi_dagster.drafts.made import Made
from stedi_dagster.drafts.refused import enforce_withdrawals
from stedi_dagster.drafts.run import Run
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import list_files
from stedi_dagster.run_tags import ACCEPT_VOLUME, names_in


def _landing_asset(feed: Feed) -> dg.AssetsDefinition:
    spec = table_spec(feed.contract, lineage={})
    of_feed = f"Of the feed {feed.name}."
    quarantine_spec = restricted_spec(feed.quarantine, Quarantine, more=of_feed)
    files_spec = restricted_spec(feed.landed_files, LandedFiles, more=of_feed)
    name = feed.contract.table()

    @dg.multi_asset(
        name=name,
        outs={
            each.key.path[-1]: dg.AssetOut.from_spec(each, io_manager_key=IO_MANAGER)
            for each in (quarantine_spec, files_spec, spec)
        },
        deps=[feeds.key_of(feed), ERASURES],
        check_specs=check_specs(spec.key, CHECKS),
        pool=POOL,
    )
    def land(
        context: dg.AssetExecutionContext, run: RunResource, landing: LandingResource
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:  # type: ignore[type-arg]
        started = time.perf_counter()
        draft = made(name, run, lambda begun: _draft(context, begun, feed, landing))
        yield from refused(spec.key, draft)
        # In this order: see `Draft.commits`.
        yield published(quarantine_spec, _quarantine(draft), run, started)
        yield published(files_spec, _landed_files(draft), run, started)
        yield published(spec, replace(draft, quarantine=None, landed_files=None), run, started)

    return land


def _draft(context: dg.AssetExecutionContext, run: Run, feed: Feed, landing: LandingResource) -> Draft:
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


def _quarantine(draft: Draft) -> Draft:
    """The part of a feed's draft that is its quarantine."""
    assert draft.quarantine is not None  # noqa: S101 - a feed's draft has one
    withheld = draft.withheld.items()
    counted = {
        f"quarantined/{reason.removeprefix(QUARANTINED)}": rows
        for reason, rows in withheld
        if reason.startswith(QUARANTINED)
    }
    return Draft(draft.quarantine, (), draft.rows_in, {}, counted=counted, how=_how(draft, draft.quarantine))


def _landed_files(draft: Draft) -> Draft:
    """The part of a feed's draft that is the list of its raw files."""
    assert draft.landed_files is not None  # noqa: S101 - as above
    return Draft(draft.landed_files, (), draft.rows_in, {}, how=_how(draft, draft.landed_files))


def _how(draft: Draft, commit: Commit) -> Made:
    """How the rows of a table came about that is published with a feed's records."""
    return draft.how if commit.amends else Made.FULL


tables = [_landing_asset(feed) for feed in FEEDS.values()]
