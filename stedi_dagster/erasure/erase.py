"""Erasing a person: the ledger, the raw files, the tables, their history and whatever lies beside it, in this order.

Every step finds what is left to do by itself, so that an erasure that was interrupted is simply done again.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import (
    OPTIONAL,
    PUBLISHED,
    RESTRICTED,
    AccelerometerTrusted,
    Contract,
    CustomerLanding,
    Erasures,
    MachineLearningCurated,
)
from stedi_dagster.erasure.delete_rows import count, delete_rows, to_rewrite
from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.documents import is_of
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.fields import owners_of
from stedi_dagster.erasure.ledger import PERSON, Erasure, Ledger, LedgerEntry, Trace, unfinished
from stedi_dagster.erasure.person import known_of, landed_addresses
from stedi_dagster.erasure.raw import Found, RawFiles, Rewritten
from stedi_dagster.erasure.remainder import remaining_rows
from stedi_dagster.lakehouse.history import expirable, expire
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.orphans import reachable_files, sweep
from stedi_dagster.lakehouse.revisions import Revisions
from stedi_dagster.lakehouse.snapshot import manifests_without
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.scratch import clear_scratch
from stedi_dagster.settings.policy import Policy
from stedi_dagster.storage import Entry

# From the last layer to the first: what a table is made from tells what of it is theirs.
_CONTRACTS: dict[str, type[Contract]] = {
    name: contract for name, contract in (*reversed(PUBLISHED.items()), *RESTRICTED.items()) if contract is not Erasures
}
# What readers should know of an erasure that the storage or the catalog stopped.
UNFINISHED = "What was not done is done when it is run again, and by the next run."
# Why a release has a new revision.
ERASED = "somebody was erased"
_ALL_OF_HISTORY = sys.maxsize
_PAIRED = ("x", "y", "z")


@dataclass(frozen=True)
class TableReceipt:
    """What went of what one table had before: rows of its current snapshot, snapshots, files."""

    table: str
    rows: int
    snapshots: int
    files: int


@dataclass(frozen=True)
class Receipt:
    """What an erasure removed, or would; numbers only.

    Attributes:
        lakehouse: the name of its database.
        erasures: the erasure; of one that is only planned, what erasures of the person there were.
        raw: what went from raw files.
        tables: what went from each table.
        resumed: whether it had been interrupted, so that some had gone before.
    """

    lakehouse: str
    erasures: tuple[LedgerEntry, ...]
    raw: Rewritten = field(default_factory=Rewritten)
    tables: tuple[TableReceipt, ...] = ()
    resumed: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing of the person was found."""
        return replace(self.raw, hidden=0) == Rewritten() and not any(table.rows for table in self.tables)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Eraser:
    """Erases from one lakehouse and one landing zone; the caller holds the writer lock."""

    def __init__(self, lakehouse: Lakehouse, landing: str, digester: Digester, tell: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            lakehouse: the tables.
            landing: the landing zone's folder or s3:// URL.
            digester: makes the digests.
            tell: told what is happening.
        """
        self._lakehouse = lakehouse
        self._raw = RawFiles(landing)
        self._by = digester
        self._tell = tell
        self._ledger = Ledger(lakehouse)

    def erase(self, person: str) -> Receipt:
        """Remove everything of a person, and have the ledger keep them out.

        Args:
            person: the digest of their address.

        Raises:
            LandingError: a raw file would not be read as before; nothing was begun.
            StediError: the storage or the catalog does not let us; what was not done is done when it is run again.
        """
        self._tell("Looking for everything that tells who the person is.")
        earlier = self._ledger.erasures_of(person)
        known = known_of(person, self._lakehouse, self._raw, self._by)
        erasure = self._ledger.intended(person, known.traces, self._by, latest_ms=known.latest_ms)
        raw = ErasureFilter.of(erasure, self._by, earlier)
        # No run publishes before it has finished erasures: nothing in the tables is of a new registration.
        others = landed_addresses(self._lakehouse)
        # An erasure that cannot go on once it has begun would stop every run.
        looked = self._raw.check(raw.with_known(others))
        self._ledger.begin(erasure)
        receipt = self._finish(erasure, raw=raw, others=others, looked=looked)
        return replace(receipt, resumed=bool(unfinished(earlier)))

    def plan(self, person: str) -> Receipt:
        """What `erase` would remove; nothing is."""
        earlier = self._ledger.erasures_of(person)
        known = known_of(person, self._lakehouse, self._raw, self._by)
        planned = Erasure("", known.traces | {Trace(PERSON, person, 1)}, self._by.key_id, 0, 0)
        erasing = ErasureFilter.of(planned, self._by, earlier).with_known(landed_addresses(self._lakehouse))
        return Receipt(
            self._lakehouse.database,
            tuple(erasure.entry for erasure in earlier),
            self._raw.count(erasing),
            tuple(self._plan(name, erasing) for name in self._contracts()),
        )

    def resume(self) -> int:
        """Finish the erasures that were interrupted, and return their number."""
        begun = unfinished(self._ledger.erasures())
        for erasure in begun:
            self._tell(f"Finishing the erasure {erasure.number}, which was interrupted.")
            raw = self._left_in_raw_files(erasure)
            self._finish(erasure, raw=raw, others=landed_addresses(self._lakehouse), looked={})
        return len(begun)

    def _left_in_raw_files(self, erasure: Erasure) -> ErasureFilter:
        """Everything of the person; of somebody who has registered anew since, what they had sent until the erasure."""
        everything, until_then = ErasureFilter.of(erasure, self._by), ErasureFilter.erased([erasure], self._by)
        feed = FEEDS["customer_landing"]
        anew = {
            owner
            for document in self._raw.documents(feed, everything.matches)
            if is_of(document, feed, everything) and not is_of(document, feed, until_then)
            for _, owner in owners_of(document.value, CustomerLanding)
        }
        return until_then.with_registered(anew) if anew else everything

    def _finish(
        self, erasure: Erasure, *, raw: ErasureFilter, others: set[str], looked: Mapping[Entry, Found]
    ) -> Receipt:
        erasing = ErasureFilter.of(erasure, self._by).with_known(others)
        self._tell("Rewriting the raw files.")
        rewritten = self._raw.remove(raw.with_known(others), number=erasure.number, looked=looked)
        contracts = self._contracts()
        before = {name: self._holds(name) for name in contracts}
        rows = {}
        for name, contract in contracts.items():
            self._tell(f"Taking the person out of {name}.")
            columns, mask = self._mask(contract, erasing)
            inputs = f"erasure {erasure.number}"
            rows[name] = delete_rows(
                self._lakehouse, name, contract, columns, mask, partial(remaining_rows, erasing=erasing), inputs=inputs
            )
        Revisions(self._lakehouse).record_cuts(ERASED)
        tables = tuple(self._forget_history(name, rows[name], before[name]) for name in contracts)
        clear_scratch(self._lakehouse.home)
        done = self._ledger.complete(erasure)
        return Receipt(self._lakehouse.database, (done.entry,), rewritten, tables)

    def _contracts(self) -> dict[str, type[Contract]]:
        """The tables that somebody may be in: without those of releases where none was ever made."""
        return {
            name: contract
            for name, contract in _CONTRACTS.items()
            if name not in OPTIONAL or self._lakehouse.table(name) is not None
        }

    def _holds(self, name: str) -> tuple[set[int], set[str]]:
        """The snapshots and the files of a table."""
        table = self._lakehouse.table(name)
        if table is None:
            return set(), set()
        snapshots = {snapshot.snapshot_id for snapshot in table.metadata.snapshots}
        return snapshots, set(self._lakehouse.storage.list(table.location()))

    def _mask(
        self, contract: type[Contract], erasing: ErasureFilter
    ) -> tuple[list[str], Callable[[pa.RecordBatch], pa.BooleanArray]]:
        columns = erasing.columns(contract)
        mask = partial(erasing.mask, contract=contract)
        readings = self._readings(erasing) if contract is MachineLearningCurated else set()
        if not readings:
            return columns, mask

        def with_readings(rows: pa.RecordBatch) -> pa.BooleanArray:
            theirs = [_reading(row, contract) in readings for row in rows.to_pylist()]
            return pc.or_(mask(rows), pa.array(theirs, pa.bool_()))

        return [*columns, *_PAIRED], with_readings

    def _readings(self, erasing: ErasureFilter) -> set[tuple[Any, ...]]:
        """Their accelerometer readings, where a rule may have paired them with somebody else's steps."""
        paired = self._lakehouse.read(MachineLearningCurated.table(), MachineLearningCurated)
        if paired is None or Policy(**(paired.summary.policy or {})).match == "person":
            return set()
        trusted = self._lakehouse.read(AccelerometerTrusted.table(), AccelerometerTrusted)
        if trusted is None:
            return set()
        found: set[tuple[Any, ...]] = set()

        def collect(rows: pa.RecordBatch) -> pa.BooleanArray:
            going = erasing.mask(rows, AccelerometerTrusted)
            found.update(_reading(row, AccelerometerTrusted) for row in rows.filter(going).to_pylist())
            return going

        columns = [*erasing.columns(AccelerometerTrusted), *_PAIRED]
        count(trusted.files, columns, collect)
        return found

    def _forget_history(self, name: str, rows: int, before: tuple[set[int], set[str]]) -> TableReceipt:
        table = self._lakehouse.table(name)
        if table is None:
            return TableReceipt(name, rows, 0, 0)
        storage = self._lakehouse.storage
        expire(table, self._lakehouse.journal, before_ms=_ALL_OF_HISTORY)
        self._lakehouse.sweep(table)
        sweep(table, storage)
        old = list(storage.old_versions(table.location()))
        storage.delete_versions(old)
        (had_snapshots, had_files), (snapshots, files) = before, self._holds(name)
        return TableReceipt(name, rows, len(had_snapshots - snapshots), len(had_files - files) + len(old))

    def _plan(self, name: str, erasing: ErasureFilter) -> TableReceipt:
        contract = _CONTRACTS[name]
        snapshot = self._lakehouse.read(name, contract)
        table = self._lakehouse.table(name)
        if snapshot is None or table is None:
            return TableReceipt(name, 0, 0, 0)
        columns, mask = self._mask(contract, erasing)
        going = to_rewrite(snapshot, columns, mask)
        _, files = self._holds(name)
        snapshots = expirable(table, before_ms=_ALL_OF_HISTORY)
        if going.masks:
            # The current one is then history, too.
            snapshots.append(snapshot.snapshot_id)
        files -= reachable_files(table, without=snapshots)
        # What holds nothing of theirs is not rewritten.
        rewritten = going.files.paths
        files -= {*snapshot.files.without(rewritten).paths, *manifests_without(table, rewritten)}
        old = sum(1 for _ in self._lakehouse.storage.old_versions(table.location()))
        return TableReceipt(name, going.rows, len(snapshots), len(files) + old)


def _reading(row: dict[str, Any], contract: type[Contract]) -> tuple[Any, ...]:
    return (row[contract.event_time() or ""], *(row[name] for name in _PAIRED))
