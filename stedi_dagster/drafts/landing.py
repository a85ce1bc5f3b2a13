"""Drafting a landing table, its feed's quarantine and its list of raw files: what is new is landed, and checked."""

from stedi_dagster.drafts.audited import Findings
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.feed_checks import CHECKS, ERASED, FeedLimits, check_feed
from stedi_dagster.drafts.landed_feed import FeedLanding
from stedi_dagster.drafts.made import Made, MadeInFull
from stedi_dagster.drafts.run import Run
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing

# How the reason begins of a record that is quarantined.
QUARANTINED = "quarantined: "


def draft_landing(run: Run, feed: Feed, listing: Listing, limits: FeedLimits) -> Draft:
    """Stage and check what of a feed has not landed; where everything has, say what was found of it.

    Args:
        run: the run; it holds the writer lock.
        feed: the feed.
        listing: the files it has.
        limits: what of it is not believed.

    Raises:
        LandingError: a file cannot be read.
        EngineError: the engine did not do its work.
    """
    landing = FeedLanding(run, feed, listing)
    findings = Findings(run, CHECKS, limits=limits.shares)
    earlier = None
    try:
        published = landing.published()
        earlier = findings.of_earlier(published.records)
        changes = landing.changes(published)
        if not changes.nothing:
            landed = landing.land(published, changes)
        else:
            landed = landing.renewed(published, changes) if changes.renewed else published
    except MadeInFull as reason:
        landed = landing.land(why=str(reason) or None)
    audited_in = None
    if earlier and landed.records.unchanged:
        outcomes, audited_in = earlier
    else:
        # What stays was looked at when it landed.
        new = landed.new if earlier and not landed.in_full else landed.records.files
        outcomes = check_feed(run, feed, landed.records.files, landed.quarantine.files, landed.summary, limits, new=new)
        findings.record(landed.records, outcomes)
    summary = landed.summary
    erased = {ERASED: summary.erased} if summary.erased else {}
    return Draft(
        landed.records,
        outcomes,
        rows_in=summary.records,
        withheld=erased | {f"{QUARANTINED}{reason}": texts for reason, texts in summary.quarantined.items()},
        quarantine=landed.quarantine,
        landed_files=landed.files,
        counted={
            "files": len(listing.files),
            "files_landed": landed.landed,
            "files_read_outside_the_engine": summary.odd_files,
            "markers_skipped": len(listing.markers),
            "bytes": listing.size,
        },
        audited_in=audited_in,
        how=Made.FULL if landed.in_full else Made.FILES_REDONE if landed.redone else Made.APPENDED,
        why=landed.why,
    )
