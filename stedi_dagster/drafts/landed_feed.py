"""One feed's records, quarantine and list of raw files: as they are published, and as a run is about to leave them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from stedi_dagster.contracts import Contract, CustomerLanding, LandedFiles, Quarantine
from stedi_dagster.drafts.batches import BatchedTable, batch_of, landed_batches, merge
from stedi_dagster.drafts.erased import without_erased
from stedi_dagster.drafts.landed_files import Changes, compare, digests
from stedi_dagster.drafts.made import MadeInFull
from stedi_dagster.drafts.run import Run
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

# How many of the files with the most quarantined texts are named in metadata; `stedi quarantine` has them all.
_FILES_SHOWN = 20


@dataclass(frozen=True)
class LandedFeed:
    """A feed's three tables, as they are published or about to be.

    Attributes:
        records: the records.
        quarantine: what could not be read.
        files: the raw files.
        summary: what was counted in all of them.
        new: the data files of records that are new.
        landed: how many raw files were landed.
        in_full: whether everything was landed.
        why: why, where there was something before.
        redone: whether a batch was landed again.
    """

    records: Commit
    quarantine: Commit
    files: Commit
    summary: LandingSummary
    new: DataFiles
    landed: int = 0
    in_full: bool = False
    why: str | None = None
    redone: bool = False


class FeedLanding:
    """Lands one feed in one run."""

    def __init__(self, run: Run, feed: Feed, listing: Listing) -> None:
        """Prepare; tables that are missing are made.

        Args:
            run: the run; it holds the writer lock.
            feed: the feed.
            listing: the files it has.
        """
        self._run = run
        self._feed = feed
        self._listing = listing
        self._storage = storage_for(listing.location)
        self._erasures: Sequence[Erasure] = Ledger(run.lakehouse).erasures()
        self._records = run.lakehouse.ensure_table(feed.contract.table(), feed.contract)
        self._quarantine = run.lakehouse.ensure_table(feed.quarantine, Quarantine)
        self._files = run.lakehouse.ensure_table(feed.landed_files, LandedFiles)

    def published(self) -> LandedFeed:
        """What is published, where it can be built upon: made by this code, under these erasures, and whole.

        Raises:
            MadeInFull: it cannot.
        """
        inputs = inputs_of(self._records.current_snapshot())
        snapshot = self._run.lakehouse.read(self._feed.contract.table(), self._feed.contract)
        if snapshot is None:
            raise MadeInFull
        if self._feed.contract.table() in self._run.full_refresh:
            raise MadeInFull("it was asked for")
        summary = snapshot.summary
        if summary.code_version != self._run.code_version(self._feed.contract):
            raise MadeInFull("its code is another")
        if inputs is None or inputs != inputs_of(self._files.current_snapshot()):
            raise MadeInFull("a run or an erasure did not end, or the list of its raw files is another's")
        if summary.landed is None or inputs != self._inputs(summary.landed.batches):
            raise MadeInFull("somebody was erased")
        landed = summary.landed
        # All three, so that what a killed run left is removed from each.
        records = self._run.unchanged(self._records, self._feed.contract, inputs)
        files = self._run.lakehouse.unchanged(self._files, LandedFiles, inputs)
        unreadable = inputs_of(self._quarantine.current_snapshot())
        quarantine = self._run.lakehouse.unchanged(self._quarantine, Quarantine, unreadable or "")
        if records is None or files is None or quarantine is None:
            raise MadeInFull("files of its tables are gone or damaged")
        if quarantine.snapshot_id != landed.quarantine:
            raise MadeInFull("its quarantine was published since, by an erasure or with a feed that was refused")
        return LandedFeed(records, quarantine, files, landed, new=records.files.only(()))

    def changes(self, published: LandedFeed) -> Changes:
        """What has not landed.

        Raises:
            MadeInFull: everything must land together.
        """
        changes = compare(
            published.files.files, published.summary.batches, self._listing, self._storage, self._run.now_ms
        )
        # Who registers anew may bring back what was erased from other files.
        together = self._feed.contract is CustomerLanding and self._erasures
        if together and not changes.nothing:
            raise MadeInFull("somebody was erased, and who has registered anew decides about all files")
        return changes

    def renewed(self, published: LandedFeed, changes: Changes) -> LandedFeed:
        """What is published, with the files' versions as they are now."""
        staged = self._run.lakehouse.stage(self._files, LandedFiles)
        staged.write_batches(changes.known.to_batches())
        commit = self._run.lakehouse.prepare(self._files, staged.files(), published.files.summary)
        return replace(published, files=commit)

    def land(
        self, published: LandedFeed | None = None, changes: Changes | None = None, *, why: str | None = None
    ) -> LandedFeed:
        """Stage what has not landed, without whoever was erased.

        Args:
            published: what to build upon; None where everything is landed.
            changes: what has not landed.
            why: why everything is landed.
        """
        files = changes.landing if changes else self._listing.files
        batches = dict(published.summary.batches) if published else {}
        stale = {batch: batches.pop(batch) for batch in (changes.stale if changes else ())}
        records = self._batched(self._records, self._feed.contract, published.records if published else None)
        texts = self._batched(self._quarantine, Quarantine, published.quarantine if published else None)
        records.take_out(stale.keys())
        texts.take_out({batch.unreadable for batch in stale.values()})
        lander = Lander(self._feed, self._storage, now_ms=self._run.now_ms)
        digested = self._read(lander, files, records, texts) if files else {}
        erased = without_erased(self._run.lakehouse, self._erasures, records.staged, texts.staged)
        unreadable = texts.staged.files()
        known = self._known(lander, files, digested, unreadable, records.staged)
        new = landed_batches(lander, files, erased, unreadable, records.staged, texts.staged)
        merged = merge(batches, records, texts)
        batches = {name: batch for name, batch in batches.items() if name not in merged} | dict(merged.values()) | new
        if changes:
            known = pa.concat_tables([_renamed(changes.known, merged), known])
        summary = LandingSummary.of(batches, _most_quarantined(known))
        if published and not texts.gone and not texts.staged.files().paths:
            quarantine = published.quarantine
        else:
            landed_in = self._summary(inputs=f"landed in run {self._run.run_id}")
            quarantine = self._amended(self._quarantine, texts, landed_in)
        rewritten = not changes or changes.stale or changes.renewed or merged
        listed = published.files.files if published and not rewritten else None
        inputs = self._inputs(batches)
        summary = summary.model_copy(update={"quarantine": quarantine.snapshot_id})
        return LandedFeed(
            self._amended(self._records, records, self._summary(inputs=inputs, landed=summary)),
            quarantine,
            self._listed(known, self._summary(inputs=inputs), listed),
            summary,
            records.staged.files(),
            len(files),
            in_full=published is None,
            why=why,
            redone=bool(stale),
        )

    def _read(
        self,
        lander: Lander,
        files: Sequence[RawFile],
        records: BatchedTable,
        texts: BatchedTable,
    ) -> dict[str, str | None]:
        """Land some files, and return the digests of those that nobody has changed meanwhile."""
        listing = replace(self._listing, files=tuple(files))
        self._run.lakehouse.storage.note_reads({file.path: file.size for file in files})
        with ThreadPoolExecutor(1) as beside:
            digesting = beside.submit(digests, files, self._storage)
            with self._run.at_work(self._feed.contract.table(), f"landing {self._feed.name}"):
                landed = partial(records.stays.column, "email")
                lander.land(self._run.session, listing, records.staged, texts.staged, landed=landed)
            digested = digesting.result()
        if not any(digested.values()):
            return digested
        folder = f"{self._listing.location}/{self._feed.folder}"
        now = {entry.path: entry.version for entry in self._storage.entries(folder)}
        # Of one that has changed, the engine may have read what was there before.
        return {file.key: digested[file.key] for file in files if now.get(file.path) == file.version}

    def _batched(self, table: Table, contract: type[Contract], published: Commit | None) -> BatchedTable:
        staged = self._run.lakehouse.stage(table, contract)
        return BatchedTable(staged, published.files if published else staged.files())

    def _amended(self, table: Table, batched: BatchedTable, summary: SnapshotSummary) -> Commit:
        new, stays = batched.staged.files(), batched.stays
        return self._run.lakehouse.amend(table, new, summary, stays=stays, gone=batched.gone)

    def _summary(self, **recorded: Any) -> SnapshotSummary:
        code = self._run.code_version(self._feed.contract)
        return SnapshotSummary(run_id=self._run.run_id, code_version=code, **recorded)

    def _known(
        self,
        lander: Lander,
        files: Sequence[RawFile],
        digested: Mapping[str, str | None],
        unreadable: DataFiles,
        staged: StagedTable,
    ) -> pa.Table:
        """What is known of raw files that were landed, as rows of LandedFiles."""
        texts = Counter(unreadable.column("file"))
        rows = [
            {
                "file": file.shown,
                "size": file.size,
                "version": file.version,
                "digest": digested.get(file.key),
                "batch": batch_of(staged, odd=file not in lander.canonical),
                "records": None if file in lander.canonical else lander.records_in[file.name],
                "quarantined": texts[file.name],
                "landedAt": self._run.now_ms,
                "key": file.key,
            }
            for file in files
        ]
        return pa.Table.from_pylist(rows, arrow_schema(LandedFiles))

    def _listed(self, known: pa.Table, summary: SnapshotSummary, stays: DataFiles | None) -> Commit:
        """The list of raw files from now on.

        Args:
            known: all of them; those that were landed last come last.
            summary: what to record.
            stays: what is published of it, where all of that stays; None where it is written anew.
        """
        staged = self._run.lakehouse.stage(self._files, LandedFiles)
        staged.write_batches(known.slice(stays.rows if stays else 0).to_batches())
        if stays is None:
            return self._run.lakehouse.prepare(self._files, staged.files(), summary)
        return self._run.lakehouse.amend(self._files, staged.files(), summary, stays=stays)

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
