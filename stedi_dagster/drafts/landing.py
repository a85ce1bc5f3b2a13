"""Drafting a landing table and its feed's quarantine: list, land, audit."""

from collections import Counter
from collections.abc import Sequence

from pyiceberg.table import Table

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.contract import audit_contract
from stedi_dagster.audits.gate.quarantine import audit_quarantine
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.gate.volume import audit_volume
from stedi_dagster.audits.outcome import run_audit
from stedi_dagster.contracts import CustomerLanding, Quarantine
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.erased import without_erased
from stedi_dagster.drafts.run import Run, engine_errors
from stedi_dagster.erasure.ledger import Erasure, Ledger
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.summary import LandingSummary, SnapshotSummary
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing, masked
from stedi_dagster.landing.land import Lander
from stedi_dagster.storage import storage_for

# Why a record of somebody who was erased does not land.
ERASED = "erased"
# How many of the files with the most quarantined texts are named in metadata; `stedi quarantine` has them all.
_FILES_SHOWN = 20


def draft_landing(
    run: Run, feed: Feed, listing: Listing, *, max_bad_share: float, max_shrink: float, volume_accepted: bool
) -> Draft:
    """Stage and audit a feed's records and its quarantine; or, where no file has changed, audit what is published.

    Args:
        run: the run; it holds the writer lock.
        feed: the feed.
        listing: the files it has.
        max_bad_share: the largest share of records that may be quarantined, from 0 to 1.
        max_shrink: the largest share of what is published that may be missing, from 0 to 1.
        volume_accepted: whether the operator says that a smaller feed is meant.

    Raises:
        LandingError: a file cannot be read.
        EngineError: the engine did not do its work.
    """
    name = feed.contract.table()
    erasures = Ledger(run.lakehouse).erasures()
    published = _published(run, feed)
    inputs = listing.fingerprint(name, run.code_version, [erasure.number for erasure in erasures])
    tables = (
        run.lakehouse.ensure_table(name, feed.contract),
        run.lakehouse.ensure_table(feed.quarantine, Quarantine),
    )
    commits = _unchanged(run, feed, tables, inputs) or _land(run, feed, tables, listing, erasures, inputs)
    records, quarantine = commits
    landed = _landed(records)
    erased = {ERASED: landed.erased} if landed.erased else {}
    with engine_errors(f"auditing {name}"):
        frame = records.files.frame(run.session)
        outcomes = (
            run_audit(CONTRACT, lambda: audit_contract(frame, feed.contract, now_ms=run.now_ms)),
            audit_reconciliation(
                rows_in=landed.records, kept=records.files.rows, withheld=erased, quarantined=quarantine.files.rows
            ),
            audit_quarantine(
                records=landed.records,
                quarantined=landed.quarantined,
                files=landed.quarantined_in,
                max_share=max_bad_share,
                shares=landed.shares,
                hidden=landed.hidden if feed.contract is CustomerLanding else {},
            ),
            audit_volume(
                feed.name,
                found=records.files.rows + quarantine.files.rows,
                published=published,
                max_shrink=max_shrink,
                accepted=volume_accepted,
            ),
        )
    return Draft(
        records,
        outcomes,
        rows_in=landed.records,
        withheld=erased | {f"quarantined: {reason}": rows for reason, rows in landed.quarantined.items()},
        quarantine=quarantine,
        files_read={
            "files": len(listing.files),
            "files_read_outside_the_engine": landed.odd_files,
            "markers_skipped": len(listing.markers),
            "bytes": listing.size,
        },
    )


def _published(run: Run, feed: Feed) -> int | None:
    """How many records are published, readable or not: counted now, because an erasure may have deleted some."""
    records = run.lakehouse.read(feed.contract.table(), feed.contract)
    if records is None:
        return None
    quarantine = run.lakehouse.read(feed.quarantine, Quarantine)
    if quarantine is None or quarantine.summary.refused:
        # What a feed that was refused could not have read is no part of what was published.
        landed = records.summary.landed
        return records.rows + (sum(landed.quarantined.values()) if landed else 0)
    return records.rows + quarantine.rows


def _unchanged(run: Run, feed: Feed, tables: tuple[Table, Table], inputs: str) -> tuple[Commit, Commit] | None:
    """The current snapshots of the records and of the quarantine, where landing again would make the same of them."""
    records = run.unchanged(tables[0], feed.contract, inputs)
    quarantine = run.lakehouse.unchanged(tables[1], Quarantine, inputs)
    if records is None or quarantine is None:
        return None
    due = _landed(records).due
    return None if due is not None and run.now_ms >= due else (records, quarantine)


def _landed(records: Commit) -> LandingSummary:
    assert records.summary.landed is not None  # noqa: S101 - recorded by `_land`, with these inputs
    return records.summary.landed


def _land(
    run: Run, feed: Feed, tables: tuple[Table, Table], listing: Listing, erasures: Sequence[Erasure], inputs: str
) -> tuple[Commit, Commit]:
    """Stage the records and the quarantine, without whoever was erased."""
    staged = run.lakehouse.stage(tables[0], feed.contract), run.lakehouse.stage(tables[1], Quarantine)
    lander = Lander(feed, storage_for(listing.location), now_ms=run.now_ms)
    with engine_errors(f"landing {feed.name}"):
        lander.land(run.session, listing, *staged)
    files = [table.files() for table in staged]
    records, unreadable = without_erased(run.lakehouse, erasures, *zip(tables, files, strict=True))
    quarantined, quarantined_in = lander.quarantined, lander.quarantined_in
    if unreadable.rows != files[1].rows:
        quarantined = Counter(unreadable.column("reason"))
        quarantined_in = Counter(map(masked, unreadable.column("file")))
    landed = LandingSummary(
        records=lander.records,
        erased=sum(each.rows for each in files) - records.rows - unreadable.rows,
        quarantined=dict(quarantined),
        quarantined_in=dict(quarantined_in.most_common(_FILES_SHOWN)),
        odd_files=lander.odd_files,
        due=lander.due_ms,
        shares=lander.weight.shares,
        hidden=lander.weight.hidden,
    )
    summary = SnapshotSummary(inputs=inputs, run_id=run.run_id, code_version=run.code_version, landed=landed)
    return (
        run.lakehouse.prepare(tables[0], records, summary),
        run.lakehouse.prepare(tables[1], unreadable, summary),
    )
