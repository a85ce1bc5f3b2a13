"""The ledger: which erasures began and which are done, by digests. A table that only operators may read."""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import get_args

from stedi_dagster.contracts import LEDGER_WORDS, Erasures
from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.erasure.digests import Digester, load_digester, other_key, words
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.lakehouse.upgrade import add_checksums

TABLE = Erasures.table()
PERSON, DEVICE, PARTICIPANT = (LEDGER_WORDS[kind] for kind in get_args(Identifies))
TELEPHONE = LEDGER_WORDS["telephone"]
IDENTIFYING = frozenset({PERSON, DEVICE, PARTICIPANT})
# A device that somebody else carried, too, when its person was erased: its readings stay out for ever, because they
# would become the other's alone.
SHARED = "sharedSerialNumber"
# A telephone number that nobody else had when its person was erased: a text that names nobody may be known by it.
OWN_PHONE = "ownPhone"


@dataclass(frozen=True, order=True)
class Trace:
    """A value that tells who somebody is, as its digest."""

    what: str
    digest: str
    words: int

    @classmethod
    def of(cls, what: str, value: str, digester: Digester) -> "Trace":
        """The trace of a value. What tells people apart is taken as it is, what is only searched for, word by word."""
        if what in IDENTIFYING:
            return cls(what, digester.of(value), 1)
        parts = words(value)
        return cls(what, digester.of(" ".join(parts)), len(parts))


@dataclass(frozen=True)
class LedgerEntry:
    """What of an erasure anybody may know: its random number, when it began and was done (epoch ms)."""

    number: str
    begun_ms: int
    completed_ms: int | None


@dataclass(frozen=True)
class Erasure:
    """One erasure of one person."""

    number: str
    traces: frozenset[Trace]
    key: str
    erased_at_ms: int
    until_ms: int
    completed_at_ms: int | None = None

    @property
    def entry(self) -> LedgerEntry:
        """The erasure without whom it is of."""
        return LedgerEntry(self.number, self.erased_at_ms, self.completed_at_ms)


class Ledger:
    """The erasures of one lakehouse. Who writes holds the writer lock."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self._lakehouse = lakehouse

    def erasures(self) -> list[Erasure]:
        """All erasures, the oldest first."""
        snapshot = self._lakehouse.read(TABLE, Erasures)
        if snapshot is None:
            return []
        rows = snapshot.table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().to_pylist()
        found: dict[str, Erasure] = {}
        for row in rows:
            trace = Trace(row["what"], row["digest"], row["words"])
            known = found.get(row["erasure"])
            traces = (known.traces if known else frozenset()) | {trace}
            found[row["erasure"]] = Erasure(
                row["erasure"], traces, row["key"], row["erasedAt"], row["until"], row["completedAt"]
            )
        return sorted(found.values(), key=lambda erasure: (erasure.erased_at_ms, erasure.number))

    def record_checksums(self) -> None:
        """Record the checksums of a ledger that another release wrote: it may never be written again."""
        add_checksums(self._lakehouse, self._lakehouse.ensure_table(TABLE, Erasures), Erasures)

    def erasures_of(self, person: str) -> list[Erasure]:
        """A person's erasures by the digest of their address, the oldest first."""
        return [erasure for erasure in self.erasures() if Trace(PERSON, person, 1) in erasure.traces]

    def intended(self, person: str, traces: Iterable[Trace], digester: Digester, *, latest_ms: int = 0) -> Erasure:
        """The erasure of a person that is to begin; an unfinished one of theirs goes on, with all it knew.

        Args:
            person: the digest of their address.
            traces: all that is known to tell who they are.
            digester: whose digests those are.
            latest_ms: the latest registration that they have sent, which may be dated ahead.
        """
        begun = next(iter(unfinished(self.erasures_of(person))), None)
        now_ms = time.time_ns() // 1_000_000
        if begun is None:
            begun = Erasure(str(uuid.uuid4()), frozenset(), digester.key_id, now_ms, now_ms)
        # What has come since it was interrupted goes, too, and must not come back.
        return replace(
            begun,
            traces=begun.traces | {*traces, Trace(PERSON, person, 1)},
            erased_at_ms=now_ms,
            until_ms=max(now_ms, latest_ms, begun.until_ms),
        )

    def begin(self, erasure: Erasure) -> None:
        """Record that a person is going to be erased."""
        self._write(erasure)

    def complete(self, erasure: Erasure) -> Erasure:
        """Record that nothing is left to do."""
        done = replace(erasure, completed_at_ms=time.time_ns() // 1_000_000)
        self._write(done)
        return done

    def _write(self, changed: Erasure) -> None:
        others = [erasure for erasure in self.erasures() if erasure.number != changed.number]
        table = self._lakehouse.ensure_table(TABLE, Erasures)
        staged = self._lakehouse.stage(table, Erasures)
        staged.write_rows(
            (
                each.number,
                trace.what,
                trace.digest,
                trace.words,
                each.key,
                each.erased_at_ms,
                each.until_ms,
                each.completed_at_ms,
            )
            for each in (*others, changed)
            for trace in sorted(each.traces)
        )
        commit = self._lakehouse.prepare(table, staged.files(), SnapshotSummary(inputs=changed.number))
        self._lakehouse.expire(commit.publish().table)


def unfinished(erasures: Iterable[Erasure]) -> list[Erasure]:
    """Those that a crash interrupted."""
    return [erasure for erasure in erasures if erasure.completed_at_ms is None]


def recognising(lakehouse: Lakehouse, erasures: Iterable[Erasure]) -> Digester | None:
    """The digester that the erasures were recorded with; None where there are none.

    Raises:
        SettingsError: this process has another key, or none.
    """
    keys = {erasure.key for erasure in erasures}
    if not keys:
        return None
    digester = load_digester(lakehouse.home, make=False)
    if digester is None or keys != {digester.key_id}:
        raise other_key(", ".join(sorted(keys)))
    return digester
