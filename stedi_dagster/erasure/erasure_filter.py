"""Which rows and records an erasure removes: decided from digests alone, so that nobody needs to say a name."""

import io
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import LEDGER_WORDS, Column, Contract, CustomerLanding, Quarantine
from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.erasure.digests import Digester, phrases
from stedi_dagster.erasure.fields import REGISTERED, named_by, registration_of, split_lines
from stedi_dagster.erasure.ledger import DEVICE, IDENTIFYING, OWN_PHONE, PERSON, SHARED, Erasure, Trace
from stedi_dagster.erasure.recognised import holding, recognised
from stedi_dagster.keys import key_of
from stedi_dagster.landing.cut import Addresses
from stedi_dagster.landing.decodings import unescaped
from stedi_dagster.landing.documents import Document, read_documents

# What says whose a text is: what tells people apart, and a telephone number that nobody else had.
_COUNTING = IDENTIFYING | {OWN_PHONE}
# What of a customer record tells a refusal, and when it was written.
_REFUSING = ("lastUpdateDate", "shareWithResearchAsOfDate")


class ErasureFilter:
    """The traces of some erasures, each with the moment (epoch ms) until which it counts; None: for ever.

    Of people who have registered anew, what may be a refusal goes only if it was written before the erasure: what
    cannot be dated may be their last word.
    """

    def __init__(
        self,
        digester: Digester,
        until: Mapping[tuple[str, str], int | None],
        anew: frozenset[str] = frozenset(),
        known: frozenset[str] = frozenset(),
        describing: frozenset[Trace] = frozenset(),
    ) -> None:
        """Prepare.

        Args:
            digester: whose digests these are.
            until: what and digest of each trace, and until when it counts.
            anew: the digests of people who have registered anew.
            known: the keys of people who are known, erased or not.
            describing: what tells who they are and is of several words, or not theirs alone, like a name.
        """
        self._by = digester
        self._until = until
        self._anew = anew
        self._known = known
        self._describing = describing
        theirs = {one for one in known if (PERSON, digester.of(one)) in until}
        self._theirs, self._others = Addresses(theirs), Addresses(known - theirs)
        self._longer = holding(known - theirs, theirs)
        self._digests = frozenset(digest for _, digest in until)
        self._lengths = {trace.words for trace in describing if trace.what == OWN_PHONE} - {1}

    @classmethod
    def of(cls, erasure: Erasure, digester: Digester, earlier: Iterable[Erasure] = ()) -> "ErasureFilter":
        """Everything of a person, and what earlier erasures of theirs keep out."""
        everything = {(trace.what, trace.digest): None for trace in erasure.traces if trace.what in _COUNTING}
        kept = list(earlier)
        describing = frozenset(trace for trace in erasure.traces if trace.what not in {*IDENTIFYING, SHARED})
        return cls(digester, {**_kept_out(kept), **everything}, describing=describing | _own_phones(kept))

    @classmethod
    def erased(cls, erasures: Iterable[Erasure], digester: Digester) -> "ErasureFilter":
        """What people who were erased had sent until then, and for ever what devices send that they shared."""
        kept = list(erasures)
        return cls(digester, _kept_out(kept), describing=_own_phones(kept))

    def with_registered(self, registered: Iterable[str]) -> "ErasureFilter":
        """The same, where these addresses are registered: who of them was erased has registered anew."""
        anew = self._digests.intersection(map(self._by.of, registered))
        return ErasureFilter(self._by, self._until, anew, self._known, self._describing)

    def with_known(self, people: Iterable[str]) -> "ErasureFilter":
        """The same, where these addresses are known to be people's."""
        known = self._known.union(map(key_of, people))
        return ErasureFilter(self._by, self._until, self._anew, known, self._describing)

    def is_known(self, person: str) -> bool:
        """Whether the key of an address is that of somebody known."""
        return person in self._known

    def starting_with(self, *beginnings: str) -> tuple[set[str], set[str]]:
        """Who of those known is erased, and who is not, whose address begins in one of some ways."""
        return set(self._theirs.beginning(*beginnings)), set(self._others.beginning(*beginnings))

    def matches(self, kind: Identifies, value: str, moment: int | None = None) -> bool:
        """Whether a value is one of the traces, and counted at a moment; where none is given, at any.

        Args:
            kind: what the value identifies.
            value: an address, a serial number, a participantId.
            moment: in epoch milliseconds.
        """
        key = LEDGER_WORDS[kind], self._by.of(value)
        if key not in self._until:
            return False
        until = self._until[key]
        return until is None or moment is None or moment <= until

    def matches_customer(self, person: str, *, registered: int | None, written: int | None, agrees: bool) -> bool:
        """Whether a customer record is to go.

        Args:
            person: the address in it.
            registered: when they registered, as it says.
            written: when it was written, as it says.
            agrees: whether it can be read, and agrees to research.
        """
        going = self.matches("person", person, registered)
        if agrees or self._by.of(person) not in self._anew:
            return going
        return going and written is not None and self.matches("person", person, written)

    def is_named_in(self, text: str) -> bool:
        """Whether a text names somebody who is erased: by an address, a number of theirs or a participantId in it."""
        return bool(self._named_in(text))

    def is_described_in(self, text: str) -> bool:
        """Whether something stands in a text that tells who they are, as it is written, like a name."""
        digests = {trace.digest for trace in self._describing}
        said = phrases(unescaped(text), {trace.words for trace in self._describing} - {1})
        return bool(digests) and not digests.isdisjoint(map(self._by.of, said))

    def _named_in(self, text: str) -> frozenset[str]:
        found = recognised(text, self._longer)
        if self._lengths:
            found |= phrases(unescaped(text), self._lengths)
        return self._digests.intersection(map(self._by.of, found))

    def columns(self, contract: type[Contract]) -> list[str]:
        """The columns that `mask` needs of a table; none where no column says whose its rows are."""
        looked_at = [spec.name for spec in (*contract.identifying(), *contract.texts())]
        if not looked_at:
            return []
        event_time = _moment_in(contract)
        refusing = _REFUSING if contract is CustomerLanding and self._anew else ()
        return [*looked_at, *([event_time] if event_time else []), *refusing]

    def mask(self, rows: pa.RecordBatch, contract: type[Contract]) -> pa.BooleanArray:
        """Which rows are to go: those that a person's column, a participant's or a text says are theirs.

        A device says so only where the row names nobody: several people may carry it.

        Args:
            rows: with the columns that `columns` names.
            contract: the table's.
        """
        if contract is Quarantine:
            return pa.array([self._matches_quarantined(row) for row in rows.to_pylist()], pa.bool_())
        if contract is CustomerLanding and self._anew:
            return pa.array([self._matches_landed(row) for row in rows.to_pylist()], pa.bool_())
        event_time = _moment_in(contract)
        moment = rows[event_time] if event_time else None
        nobody = pa.array([False] * len(rows), pa.bool_())
        people = contract.identifying("person", "participant")
        by_device = [self._rows_of(rows[spec.name], spec, moment) for spec in contract.identifying("device")]
        unnamed = reduce(pc.and_, (pc.is_null(rows[spec.name]) for spec in people), pc.invert(nobody))
        going = pc.and_(reduce(pc.or_, by_device, nobody), unnamed)
        for spec in (*people, *contract.texts()):
            going = pc.or_(going, self._rows_of(rows[spec.name], spec, moment))
        return going

    def _rows_of(self, column: pa.Array, spec: Column, moment: pa.Array | None) -> pa.BooleanArray:
        """Which rows are theirs by one column, at a moment that counts."""
        going = pa.array([False] * len(column), pa.bool_())
        for value in pc.unique(column).to_pylist():
            for until in self._untils(value, spec) if value is not None else ():
                found = pc.fill_null(pc.equal(column, value), fill_value=False)
                if until is not None and moment is not None:
                    found = pc.and_(found, pc.fill_null(pc.less_equal(moment, until), fill_value=True))
                going = pc.or_(going, found)
        return going

    def _untils(self, value: str, spec: Column) -> list[int | None]:
        """Until when each trace counts that a value is, or that stands in it."""
        if spec.identifies is None:
            return self._untils_in(value)
        word, ones = LEDGER_WORDS[spec.identifies], split_lines(value) if spec.holds == "lines" else [value]
        keys = [(word, self._by.of(one)) for one in ones]
        return [self._until[key] for key in keys if key in self._until]

    def _untils_in(self, text: str) -> list[int | None]:
        digests = self._named_in(text)
        return [until for (_, digest), until in self._until.items() if digest in digests]

    def _matches_landed(self, row: Mapping[str, Any]) -> bool:
        written = row[REGISTERED] if row["lastUpdateDate"] is None else row["lastUpdateDate"]
        agrees = row["shareWithResearchAsOfDate"] is not None
        owners = (row[spec.name] for spec in CustomerLanding.owners())
        return any(
            self.matches_customer(owner, registered=row[REGISTERED], written=written, agrees=agrees)
            for owner in owners
            if owner is not None
        )

    def _matches_quarantined(self, row: Mapping[str, Any]) -> bool:
        value = decoded(row["raw"])
        named = named_by(value, row["people"])
        if named:
            # A record that was written long after the registration in it is no new registration.
            registered = registration_of(value)
            registered = row["moment"] if registered is None else registered
            return any(
                self.matches_customer(person, registered=registered, written=row["moment"], agrees=False)
                for person in named
            )
        # Of a long text the end is not kept, and what it names is.
        untils = self._untils_in(f"{row['raw']} {row['file']}\n{row['devices'] or ''}")
        return any(until is None or row["moment"] is None or row["moment"] <= until for until in untils)


def _moment_in(contract: type[Contract]) -> str | None:
    """The column that is held against the time of an erasure."""
    return REGISTERED if contract is CustomerLanding else contract.event_time()


def _kept_out(erasures: Iterable[Erasure]) -> dict[tuple[str, str], int | None]:
    until: dict[tuple[str, str], int | None] = {}
    shared: dict[tuple[str, str], None] = {}
    for erasure in erasures:  # the oldest first
        until |= {(trace.what, trace.digest): erasure.until_ms for trace in erasure.traces}
        shared |= {(DEVICE, trace.digest): None for trace in erasure.traces if trace.what == SHARED}
    return {key: moment for key, moment in (until | shared).items() if key[0] in _COUNTING}


def _own_phones(erasures: Iterable[Erasure]) -> frozenset[Trace]:
    return frozenset(trace for erasure in erasures for trace in erasure.traces if trace.what == OWN_PHONE)


def decoded(text: str) -> Any:
    """The value of a text that is one document; None where it is none, or more than that."""
    found: Document | None = next(read_documents(io.BytesIO(text.encode("utf-8", "surrogatepass"))), None)
    return found.value if found else None
