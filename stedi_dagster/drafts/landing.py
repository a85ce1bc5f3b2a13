"""Drafting a landing table and its feed's quarantine: list, land, check."""

from collections import Counter
from collections.abc import Sequence

from pyiceberg.table import Table

from stedi_dagster.contracts import Quarantine
from stedi_dagster.drafts.audited import Findings
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.erased import without_erased
from stedi_dagster.drafts.feed_checks import CHECKS, ERASED, FeedLimits, check_feed
from stedi_dagster.drafts.run import Run, engine_errors
from stedi_dagster.erasure.ledger import Erasure, Ledger
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.summary import LandingSummary, SnapshotSummary
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing, masked
from stedi_dagster.landing.land import Lander
from stedi_dagster.storage import storage_for

# How the reason begins of a record that is quarantined.
QUARANTINED = "quarantined: "
# How many of the files with the most quarantined texts are named in metadata; `stedi quarantine` has them all.
_FILES_SHOWN = 20

# The records, the quarantine, and what landing counted.
_Landed = tuple[Commit, Commit, LandingSummary]


def draft_landing(run: Run, feed: Feed, listing: Listing, limits: FeedLimits) -> Draft:
    """Stage and check a feed's records and its quarantine; or, where no file has changed, check what is published.

    Args:
        run: the run; it holds the writer lock.
        feed: the feed.
        listing: the files it has.
        limits: what of it is not believed.

    Raises:
        LandingError: a file cannot be read.
        EngineError: the engine did not do its work.
    """
    name = feed.contract.table()
    erasures = Ledger(run.lakehouse).erasures()
    inputs = listing.fingerprint(name, run.code_version(feed.contract), [erasure.number for erasure in erasures])
    tables = run.lakehouse.ensure_table(name, feed.contract), run.lakehouse.ensure_table(feed.quarantine, Quarantine)
    unchanged = _unchanged(run, feed, tables, inputs)
    findings = Findings(run, CHECKS, limits=limits.shares)
    records, quarantine, landed = unchanged or _land(run, feed, tables, listing, erasures, inputs)
    erased = {ERASED: landed.erased} if landed.erased else {}
    outcomes, audited_in = (unchanged and findings.of_earlier(records)) or (None, None)
    if outcomes is None:
        outcomes = check_feed(run, feed, records.files, quarantine.files, landed, limits)
        findings.record(records, outcomes)
    return Draft(
        records,
        outcomes,
        rows_in=landed.records,
        withheld=erased | {f"{QUARANTINED}{reason}": texts for reason, texts in landed.quarantined.items()},
        quarantine=quarantine,
        counted={
            "files": len(listing.files),
            "files_read_outside_the_engine": landed.odd_files,
            "markers_skipped": len(listing.markers),
            "bytes": listing.size,
        },
        audited_in=audited_in,
    )


def _unchanged(run: Run, feed: Feed, tables: tuple[Table, Table], inputs: str) -> _Landed | None:
    """What is published, where landing again would make the same of it."""
    records = run.unchanged(tables[0], feed.contract, inputs)
    quarantine = run.lakehouse.unchanged(tables[1], Quarantine, inputs)
    landed = records.summary.landed if records else None
    if records is None or quarantine is None or landed is None:
        return None
    due = landed.due is not None and run.now_ms >= landed.due
    return None if due else (records, quarantine, landed)


def _land(
    run: Run, feed: Feed, tables: tuple[Table, Table], listing: Listing, erasures: Sequence[Erasure], inputs: str
) -> _Landed:
    """Stage the records and the quarantine, without whoever was erased."""
    staged = run.lakehouse.stage(tables[0], feed.contract), run.lakehouse.stage(tables[1], Quarantine)
    lander = Lander(feed, storage_for(listing.location), now_ms=run.now_ms)
    with engine_errors(f"landing {feed.name}"):
        lander.land(run.session, listing, *staged)
    files = [table.files() for table in staged]
    records, quarantine = without_erased(run.lakehouse, erasures, *zip(tables, files, strict=True))
    quarantined, quarantined_in = lander.quarantined, lander.quarantined_in
    if quarantine.rows != files[1].rows:
        quarantined = Counter(quarantine.column("reason"))
        quarantined_in = Counter(map(masked, quarantine.column("file")))
    landed = LandingSummary(
        records=lander.records,
        erased=sum(each.rows for each in files) - records.rows - quarantine.rows,
        quarantined=dict(quarantined),
        quarantined_in=dict(quarantined_in.most_common(_FILES_SHOWN)),
        odd_files=lander.odd_files,
        due=lander.due_ms,
        shares=lander.weight.shares,
        hidden=lander.weight.hidden,
    )
    summary = SnapshotSummary(
        inputs=inputs, run_id=run.run_id, code_version=run.code_version(feed.contract), landed=landed
    )
    commits = run.lakehouse.prepare(tables[0], records, summary), run.lakehouse.prepare(tables[1], quarantine, summary)
    return (*commits, landed)
