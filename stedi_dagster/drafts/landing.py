"""Drafting a landing table, its feed's quarantine and its list of raw files: what is new is landed, and checked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from stedi_dagster.contracts import CustomerLanding, LandedFiles, Quarantine
from stedi_dagster.drafts.audited import Findings
from stedi_dagster.drafts.batches import batch_of, in_parts, landed_batches, merge
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.erased import without_erased
from stedi_dagster.drafts.feed_checks import CHECKS, ERASED, FeedLimits, check_feed
from stedi_dagster.drafts.landed_files import Changes, compare, digests
from stedi_dagster.drafts.run import Run, engine_errors
from stedi_dagster.erasure.ledger import Erasure, Ledger
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.lakehouse.summary import BatchSummary, LandingSummary, SnapshotSummary, inputs_of
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing, RawFile
from stedi_dagster.landing.land import Lander
from stedi_dagster.storage import storage_for

# How the reason begins of a record that is quarantined.
QUARANTINED = "quarantined: "
# How many of the files with the most quarantined texts are named in metadata; `stedi quarantine` has them all.
_FILES_SHOWN = 20


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
    landing = _Landing(run, feed, listing)
    published = landing.published()
    findings = Findings(run, CHECKS, limits=limits.shares)
    earlier = findings.of_earlier(published.records) if published else None
    changes = landing.changes(published) if published else None
    if published and changes and changes.nothing:
        landed = landing.renewed(published, changes) if changes.renewed else published
    else:
        landed = landing.land(published if changes else None, changes)
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
    )


@dataclass(frozen=True)
class _Landed:
    """A feed's three tables, as they are published or about to be.

    Attributes:
        records: the records.
        quarantine: what could not be read.
        files: the raw files.
        summary: what was counted in all of them.
        new: the data files of records that are new.
        landed: how many raw files were landed.
        in_full: whether nothing was there to build upon.
    """

    records: Commit
    quarantine: Commit
    files: Commit
    summary: LandingSummary
    new: DataFiles
    landed: int = 0
    in_full: bool = False


class _Landing:
    """Lands one feed in one run."""

    def __init__(self, run: Run, feed: Feed, listing: Listing) -> None:
        self._run = run
        self._feed = feed
        self._listing = listing
        self._storage = storage_for(listing.location)
        self._erasures: Sequence[Erasure] = Ledger(run.lakehouse).erasures()
        self._records = run.lakehouse.ensure_table(feed.contract.table(), feed.contract)
        self._quarantine = run.lakehouse.ensure_table(feed.quarantine, Quarantine)
        self._files = run.lakehouse.ensure_table(feed.landed_files, LandedFiles)

    def published(self) -> _Landed | None:
        """What is published, where it can be built upon: made by this code, under these erasures, and whole."""
        inputs = inputs_of(self._records.current_snapshot())
        snapshot = self._run.lakehouse.read(self._feed.contract.table(), self._feed.contract)
        if inputs is None or snapshot is None or inputs != inputs_of(self._files.current_snapshot()):
            return None
        landed = snapshot.summary.landed
        if landed is None or inputs != self._inputs(landed.batches):
            return None
        # All three, so that what a killed run left is removed from each.
        records = self._run.unchanged(self._records, self._feed.contract, inputs)
        files = self._run.lakehouse.unchanged(self._files, LandedFiles, inputs)
        unreadable = inputs_of(self._quarantine.current_snapshot())
        quarantine = self._run.lakehouse.unchanged(self._quarantine, Quarantine, unreadable or "")
        if records is None or files is None or quarantine is None:
            return None
        # A killed run, an erasure or a refused feed may have published another one since.
        if quarantine.snapshot_id != landed.quarantine:
            return None
        return _Landed(records, quarantine, files, landed, new=records.files.only(()))

    def changes(self, published: _Landed) -> Changes | None:
        """What has not landed; None where everything must land together."""
        changes = compare(
            published.files.files, published.summary.batches, self._listing, self._storage, self._run.now_ms
        )
        # Who registers anew may bring back what was erased from other files.
        together = self._feed.contract is CustomerLanding and self._erasures
        return None if together and not changes.nothing else changes

    def renewed(self, published: _Landed, changes: Changes) -> _Landed:
        """What is published, with the files' versions as they are now."""
        staged = self._run.lakehouse.stage(self._files, LandedFiles)
        staged.write_batches(changes.known.to_batches())
        commit = self._run.lakehouse.prepare(self._files, staged.files(), published.files.summary)
        return replace(published, files=commit)

    def land(self, published: _Landed | None, changes: Changes | None) -> _Landed:
        """Stage what has not landed, without whoever was erased.

        Args:
            published: what to build upon; None where everything is landed.
            changes: what has not landed.
        """
        lakehouse = self._run.lakehouse
        files = changes.landing if changes else self._listing.files
        records = lakehouse.stage(self._records, self._feed.contract)
        unreadable = lakehouse.stage(self._quarantine, Quarantine)
        there = published.records.files if published else records.files()
        texts = published.quarantine.files if published else unreadable.files()
        batches = dict(published.summary.batches) if published else {}
        stale = {batch: batches.pop(batch) for batch in (changes.stale if changes else ())}
        going = in_parts(there, stale.keys()), in_parts(texts, {batch.unreadable for batch in stale.values()})
        stays = there.without(going[0]), texts.without(going[1])
        lander = Lander(self._feed, self._storage, now_ms=self._run.now_ms)
        digested = self._read(lander, files, records, unreadable, stays[0]) if files else {}
        before = records.files(), unreadable.files()
        without_erased(lakehouse, self._erasures, records, unreadable)
        after = records.files(), unreadable.files()
        known = self._known(lander, files, digested, after[1], records)
        new = landed_batches(lander, files, (before[0], after[0]), (before[1], after[1]), records, unreadable)
        merged = merge(batches, *stays, records, unreadable)
        texts_merged = {batches[name].unreadable for name in merged}
        batches = {name: batch for name, batch in batches.items() if name not in merged} | dict(merged.values()) | new
        if changes:
            known = pa.concat_tables([_renamed(changes.known, merged), known])
        summary = LandingSummary.of(batches, _most_quarantined(known))
        quarantine = self._amended(
            self._quarantine,
            published.quarantine if published else None,
            unreadable.files(),
            [*going[1], *in_parts(stays[1], texts_merged)],
            self._summary(inputs=f"landed in run {self._run.run_id}"),
        )
        summary = summary.model_copy(update={"quarantine": quarantine.snapshot_id})
        inputs, staged = self._inputs(batches), records.files()
        recorded = self._summary(inputs=inputs, landed=summary)
        out = [*going[0], *in_parts(stays[0], merged.keys())]
        return _Landed(
            lakehouse.amend(self._records, staged, recorded, without=out)
            if published
            else lakehouse.prepare(self._records, staged, recorded),
            quarantine,
            self._listed(known, self._summary(inputs=inputs), after=changes if not merged else None),
            summary,
            staged,
            len(files),
            in_full=published is None,
        )

    def _read(
        self,
        lander: Lander,
        files: Sequence[RawFile],
        records: StagedTable,
        unreadable: StagedTable,
        stays: DataFiles,
    ) -> dict[str, str | None]:
        """Land some files, and return the digests of those that nobody has changed meanwhile."""
        listing = replace(self._listing, files=tuple(files))
        with ThreadPoolExecutor(1) as beside:
            digesting = beside.submit(digests, files, self._storage)
            with engine_errors(f"landing {self._feed.name}"):
                lander.land(self._run.session, listing, records, unreadable, landed=partial(stays.column, "email"))
            digested = digesting.result()
        if not any(digested.values()):
            return digested
        folder = f"{self._listing.location}/{self._feed.folder}"
        now = {entry.path: entry.version for entry in self._storage.entries(folder)}
        # Of one that has changed, the engine may have read what was there before.
        return {file.key: digested[file.key] for file in files if now.get(file.path) == file.version}

    def _amended(
        self, table: Table, published: Commit | None, new: DataFiles, going: Sequence[str], summary: SnapshotSummary
    ) -> Commit:
        """A table with new files, and without some of those that it has."""
        if published is None:
            return self._run.lakehouse.prepare(table, new, summary)
        if not new.paths and not going:
            return published
        return self._run.lakehouse.amend(table, new, summary, without=going)

    def _summary(self, **recorded: Any) -> SnapshotSummary:
        code = self._run.code_version(self._feed.contract)
        return SnapshotSummary(run_id=self._run.run_id, code_version=code, **recorded)

    def _known(
        self,
        lander: Lander,
        files: Sequence[RawFile],
        digested: Mapping[str, str | None],
        unreadable: DataFiles,
        records: StagedTable,
    ) -> pa.Table:
        """What is known of raw files that were landed, as rows of LandedFiles."""
        texts = Counter(unreadable.column("file"))
        rows = [
            {
                "file": file.shown,
                "size": file.size,
                "version": file.version,
                "digest": digested.get(file.key),
                "batch": batch_of(records, odd=file not in lander.canonical),
                "records": None if file in lander.canonical else lander.records_in[file.name],
                "quarantined": texts[file.name],
                "landedAt": self._run.now_ms,
                "key": file.key,
            }
            for file in files
        ]
        return pa.Table.from_pylist(rows, arrow_schema(LandedFiles))

    def _listed(self, known: pa.Table, summary: SnapshotSummary, *, after: Changes | None) -> Commit:
        """The list of raw files from now on.

        Args:
            known: all of them; those that were landed last come last.
            summary: what to record.
            after: what has changed, where that is all; None where the list is written anew.
        """
        staged = self._run.lakehouse.stage(self._files, LandedFiles)
        if after is None or after.stale or after.renewed:
            staged.write_batches(known.to_batches())
            return self._run.lakehouse.prepare(self._files, staged.files(), summary)
        staged.write_batches(known.slice(after.known.num_rows).to_batches())
        return self._run.lakehouse.amend(self._files, staged.files(), summary)

    def _inputs(self, batches: Iterable[str]) -> str:
        return fingerprint(
            {
                "table": self._feed.contract.table(),
                "code": self._run.code_version(self._feed.contract),
                "erasures": [erasure.number for erasure in self._erasures],
                "batches": sorted(batches),
            }
        )


def _renamed(known: pa.Table, merged: Mapping[str, tuple[str, BatchSummary]]) -> pa.Table:
    """What is known of raw files, where some batches are part of others now."""
    if not merged:
        return known
    names = [merged[name][0] if name in merged else name for name in known["batch"].to_pylist()]
    return known.set_column(known.schema.get_field_index("batch"), "batch", pa.array(names, pa.string()))


def _most_quarantined(known: pa.Table) -> dict[str, int]:
    """The files with the most quarantined texts."""
    found: Counter[str] = Counter()
    for row in known.filter(pc.greater(known["quarantined"], 0)).select(["file", "quarantined"]).to_pylist():
        found[row["file"]] += row["quarantined"]
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0]))[:_FILES_SHOWN])
