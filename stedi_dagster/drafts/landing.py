"""Drafting a landing table and its feed's quarantine: list, land, audit."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.contract import audit_contract
from stedi_dagster.audits.gate.quarantine import audit_quarantine
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.gate.volume import audit_volume
from stedi_dagster.audits.outcome import run_audit
from stedi_dagster.contracts import CustomerLanding, Quarantine
from stedi_dagster.drafts.run import Draft, Run, engine_errors
from stedi_dagster.erasure.ledger import Erasure, Ledger, recognising
from stedi_dagster.erasure.left import left_of_rows
from stedi_dagster.erasure.strike import column, count, without
from stedi_dagster.erasure.wanted import Wanted
from stedi_dagster.lakehouse.publish import Publication
from stedi_dagster.lakehouse.recorded import fingerprint, summary
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing, masked
from stedi_dagster.landing.land import Landed, Lander
from stedi_dagster.storage import storage_for

# Recorded with a quarantine's snapshot that a feed which was refused has left.
REFUSED = "refused"
# Why a record of somebody who was erased does not land.
ERASED = "erased"
# How the reason begins of a record that is quarantined.
QUARANTINED = "quarantined: "
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
    depends_on = inputs_of(feed, listing, run.code_version, erasures)
    tables = (
        run.lakehouse.ensure_table(name, feed.contract),
        run.lakehouse.ensure_table(feed.quarantine, Quarantine),
    )
    found = _unchanged(run, feed, tables, depends_on) or _stage(run, feed, tables, listing, erasures, depends_on)
    records, quarantine, facts = found
    content = records.content
    quarantined: dict[str, int] = facts["quarantined"]
    rows_in: int = facts["records"]
    erased = {ERASED: facts["erased"]} if facts["erased"] else {}
    with engine_errors(f"auditing {name}"):
        frame = content.frame(run.session)
        outcomes = (
            run_audit(CONTRACT, lambda: audit_contract(frame, feed.contract, now_ms=run.now_ms)),
            audit_reconciliation(
                rows_in=rows_in, kept=content.rows, withheld=erased, quarantined=quarantine.content.rows
            ),
            audit_quarantine(
                records=rows_in,
                quarantined=quarantined,
                files=facts["quarantined-in"],
                max_share=max_bad_share,
                shares=facts["shares"],
                hidden=facts["hidden"] if feed.contract is CustomerLanding else {},
            ),
            audit_volume(
                feed.name,
                found=content.rows + quarantine.content.rows,
                published=published,
                max_shrink=max_shrink,
                accepted=volume_accepted,
            ),
        )
    return Draft(
        records,
        rows_in,
        withheld=erased | {f"{QUARANTINED}{reason}": rows for reason, rows in quarantined.items()},
        outcomes=outcomes,
        upstream={},
        also=(quarantine,),
        facts={
            "files": len(listing.files),
            "files read outside the engine": facts["odd-files"],
            "markers skipped": len(listing.markers),
            "bytes": listing.size,
        },
    )


def inputs_of(feed: Feed, listing: Listing, code_version: str, erasures: Sequence[Erasure]) -> str:
    """A digest of everything that a landing table and its quarantine are made from."""
    return fingerprint(
        {
            "files": listing.digest(),
            "code": code_version,
            "table": feed.contract.table(),
            "erasures": [erasure.number for erasure in erasures],
        }
    )


def _published(run: Run, feed: Feed) -> int | None:
    """How many records are published, readable or not: counted now, because an erasure may have taken some out."""
    records = run.lakehouse.read(feed.contract.table(), feed.contract)
    if records is None:
        return None
    quarantine = run.lakehouse.read(feed.quarantine, Quarantine)
    if quarantine is None or summary(quarantine.snapshot, REFUSED, default=False):
        # What a feed that was refused could not have read is no part of what was published.
        quarantined: dict[str, int] = summary(records.snapshot, "landed", {}).get("quarantined", {})
        return records.content.rows + sum(quarantined.values())
    return records.content.rows + quarantine.content.rows


def _unchanged(
    run: Run, feed: Feed, tables: tuple[Table, Table], depends_on: str
) -> tuple[Publication, Publication, dict[str, Any]] | None:
    table, quarantine_table = tables
    records = run.unchanged(table, feed.contract, depends_on)
    quarantine = run.lakehouse.unchanged(quarantine_table, Quarantine, depends_on)
    snapshot = table.current_snapshot()
    if records is None or quarantine is None or snapshot is None:
        return None
    facts: dict[str, Any] = summary(snapshot, "landed")
    if facts["due"] is not None and run.now_ms >= facts["due"]:
        return None
    return records, quarantine, facts


def _stage(
    run: Run,
    feed: Feed,
    tables: tuple[Table, Table],
    listing: Listing,
    erasures: Sequence[Erasure],
    depends_on: str,
) -> tuple[Publication, Publication, dict[str, Any]]:
    table, quarantine_table = tables
    records = run.lakehouse.stage(table, feed.contract)
    quarantine = run.lakehouse.stage(quarantine_table, Quarantine)
    lander = Lander(feed, storage_for(listing.location), now_ms=run.now_ms)
    with engine_errors(f"landing {feed.name}"):
        landed = lander.land(run.session, listing, records, quarantine)
    kept, unreadable, erased = records.content(), quarantine.content(), 0
    if (by := recognising(run.lakehouse, erasures)) is not None:
        wanted = Wanted.erased(erasures, by)
        if feed.contract is CustomerLanding:
            staying = _staying(run, kept, wanted)
            wanted = wanted.minding(staying).knowing(staying)
        kept, erased = _without(run, table, kept, wanted)
        unreadable, erased_unreadable = _without(run, quarantine_table, unreadable, wanted)
        if erased_unreadable:
            erased += erased_unreadable
            _recount(run, unreadable, landed)
    facts: dict[str, Any] = {
        "records": landed.records,
        "erased": erased,
        "quarantined": dict(landed.quarantined),
        "quarantined-in": dict(landed.quarantined_by_file.most_common(_FILES_SHOWN)),
        "odd-files": landed.odd_files,
        "due": landed.due_ms,
        **landed.weight.facts(),
    }
    recorded = {"run-id": run.run_id, "code-version": run.code_version, "landed": facts}
    return (
        run.lakehouse.prepare(table, kept, depends_on, recorded),
        run.lakehouse.prepare(quarantine_table, unreadable, depends_on, recorded),
        facts,
    )


def _staying(run: Run, customers: Content, wanted: Wanted) -> set[str]:
    """The addresses in staged customer records that are not to go: of those, who was erased has registered anew."""
    staying: set[str] = set()

    def collect(rows: pa.RecordBatch) -> pa.BooleanArray:
        going = wanted.mask(rows, CustomerLanding)
        staying.update(rows["email"].filter(pc.invert(going)).to_pylist())
        return going

    count(run.lakehouse.storage, customers, wanted.columns(CustomerLanding), collect)
    return staying


def _without(run: Run, table: Table, content: Content, wanted: Wanted) -> tuple[Content, int]:
    """Staged content without what erased people had sent, and how many rows that was."""
    storage, contract = run.lakehouse.storage, content.contract
    mask = partial(wanted.mask, contract=contract)
    rows = count(storage, content, wanted.columns(contract), mask)
    if not rows:
        return content, 0
    left = without(
        storage, content, mask, partial(left_of_rows, wanted=wanted), run.lakehouse.stage_more(table, contract)
    )
    storage.delete(content.paths)
    return left, content.rows - left.rows


def _recount(run: Run, unreadable: Content, landed: Landed) -> None:
    storage = run.lakehouse.storage
    landed.quarantined = Counter(column(storage, unreadable, "reason"))
    landed.quarantined_by_file = Counter(map(masked, column(storage, unreadable, "file")))
