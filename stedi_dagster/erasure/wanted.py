"""Whose rows and records are to go: decided from digests alone, so that nobody needs to say a name."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import Contract, CustomerLanding, Participants, Quarantine
from stedi_dagster.erasure.digests import Digester, words
from stedi_dagster.erasure.ledger import IDENTIFYING, SHARED, Erasure
from stedi_dagster.landing.documents import read_documents
from stedi_dagster.landing.traces import Traces, unescaped

# The column that tells whose a row is, in the order in which it is looked for, and what it holds. A device's serial
# number says so only where no person is named.
_WHOSE = {"email": "email", "user": "email", "participantId": "participantId", "serialNumber": "serialNumber"}
# The moment of a row that is held against the time of the erasure: a registration after it is a new one.
_MOMENTS = ("registrationDate", "timestamp", "sensorReadingTime")
# What stands for a text that named others, too.
WITHOUT = "(a text from which somebody was erased)"
# What tells a refusal, and when it was written.
_REFUSING = ("lastUpdateDate", "shareWithResearchAsOfDate")


class Wanted:
    """The traces of some erasures, each with the moment (epoch ms) until which it counts; None: for ever.

    Of people who have registered anew, what may be a refusal goes only if it was written before the erasure: what
    cannot be dated may be their last word.
    """

    def __init__(
        self, by: Digester, until: Mapping[tuple[str, str], int | None], anew: frozenset[str] = frozenset()
    ) -> None:
        """Prepare.

        Args:
            by: whose digests these are.
            until: what and digest of each trace, and until when it counts.
            anew: the digests of people who have registered anew.
        """
        self._by = by
        self._until = until
        self._anew = anew
        self._digests = frozenset(digest for _, digest in until)

    @classmethod
    def of(cls, erasure: Erasure, by: Digester, earlier: Iterable[Erasure] = ()) -> "Wanted":
        """Everything of a person, and what earlier erasures of theirs keep out."""
        everything = {(trace.what, trace.digest): None for trace in erasure.traces if trace.what in IDENTIFYING}
        return cls(by, {**_kept_out(earlier), **everything})

    @classmethod
    def erased(cls, erasures: Iterable[Erasure], by: Digester) -> "Wanted":
        """What people who were erased had sent until then, and for ever what devices send that they shared."""
        return cls(by, _kept_out(erasures))

    def minding(self, registered: Iterable[str]) -> "Wanted":
        """The same, where these addresses are registered: who of them was erased has registered anew."""
        return Wanted(self._by, self._until, self._digests.intersection(map(self._by.of, registered)))

    def is_wanted(self, what: str, value: str, moment: int | None = None) -> bool:
        """Whether a value is one of the traces, and counted at a moment; where none is given, at any."""
        key = what, self._by.of(value)
        if key not in self._until:
            return False
        until = self._until[key]
        return until is None or moment is None or moment <= until

    def is_wanted_customer(self, person: str, *, registered: int | None, written: int | None, agrees: bool) -> bool:
        """Whether a customer record is to go.

        Args:
            person: the address in it.
            registered: when they registered, as it says.
            written: when it was written, as it says.
            agrees: whether it can be read, and agrees to research.
        """
        going = self.is_wanted("email", person, registered)
        if agrees or self._by.of(person) not in self._anew:
            return going
        return going and written is not None and self.is_wanted("email", person, written)

    def names(self, text: str) -> bool:
        """Whether a text names somebody wanted: by an address, a serial number or a participantId in it."""
        return not self._named_in(text).isdisjoint(self._digests)

    def _named_in(self, text: str) -> set[str]:
        return {self._by.of(word) for word in words(unescaped(text))}

    def columns(self, contract: type[Contract]) -> list[str]:
        """The columns that `mask` needs of a table; none where its rows are nobody's."""
        names = set(contract.names())
        if contract is Quarantine:
            return ["raw", "people", "file", "moment"]
        whose = next((name for name in _WHOSE if name in names), None)
        refusing = _REFUSING if contract is CustomerLanding and self._anew else ()
        return [whose, *(name for name in _MOMENTS if name in names), *refusing] if whose else []

    def mask(self, rows: pa.RecordBatch, contract: type[Contract]) -> pa.BooleanArray:
        """Which rows are to go.

        Args:
            rows: with the columns that `columns` names.
            contract: the table's.
        """
        moment = next((rows[name] for name in _MOMENTS if name in rows.schema.names), None)
        if contract is Quarantine:
            return self._quarantined(rows)
        if contract is CustomerLanding and self._anew:
            return pa.array([self._is_wanted_landed(row) for row in rows.to_pylist()], pa.bool_())
        name, *_ = self.columns(contract)
        what, column = _WHOSE[name], rows[name]
        going = pa.array([False] * len(rows))
        for value in pc.unique(column).to_pylist():
            if value is None or not self.is_wanted(what, value):
                continue
            found = pc.fill_null(pc.equal(column, value), fill_value=False)
            until = self._until[what, self._by.of(value)]
            # A participantId is given by us, and its time says nothing of when the person registered.
            if until is not None and moment is not None and contract is not Participants:
                found = pc.and_(found, pc.fill_null(pc.less_equal(moment, until), fill_value=True))
            going = pc.or_(going, found)
        return going

    def _is_wanted_landed(self, row: Mapping[str, Any]) -> bool:
        written = row["registrationDate"] if row["lastUpdateDate"] is None else row["lastUpdateDate"]
        agrees = row["shareWithResearchAsOfDate"] is not None
        return self.is_wanted_customer(row["email"], registered=row["registrationDate"], written=written, agrees=agrees)

    def _quarantined(self, rows: pa.RecordBatch) -> pa.BooleanArray:
        return pa.array([self._in_quarantined(row) for row in rows.to_pylist()], pa.bool_())

    def _in_quarantined(self, row: Mapping[str, Any]) -> bool:
        value = _decoded(row["raw"])
        named = named_by(value, row["people"])
        if named:
            # A record that was written long after the registration in it is no new registration.
            registered = moment_of(value, "registrationDate")
            registered = row["moment"] if registered is None else registered
            return any(
                self.is_wanted_customer(person, registered=registered, written=row["moment"], agrees=False)
                for person in named
            )
        digests = self._named_in(f"{row['raw']} {row['file']}") & self._digests
        untils = [until for (_, digest), until in self._until.items() if digest in digests]
        return any(until is None or row["moment"] is None or row["moment"] <= until for until in untils)

    def left_of(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """What stands for rows that go: of texts in quarantine that they named others, too, who may have withdrawn."""
        if "people" not in rows.schema.names:
            return rows.slice(0, 0)
        left = []
        for row in rows.to_pylist():
            others, devices = self.others(_decoded(row["raw"]), Traces(row["people"], row["devices"]))
            if others:
                left.append(row | {"raw": WITHOUT, "people": "\n".join(others), "devices": "\n".join(devices) or None})
        return pa.RecordBatch.from_pylist(left, schema=rows.schema)

    def others(self, value: Any, named: Traces) -> tuple[list[str], list[str]]:
        """Which other people and devices a text names of which somebody wanted is one of several.

        Args:
            value: the text, decoded; None where it cannot be.
            named: whom and what it names.
        """
        people = [person for person in named_by(value, named.people) if not self.is_wanted("email", person)]
        devices = [one for one in _lines(named.devices) if not self.is_wanted("serialNumber", one)]
        return people, devices


def _kept_out(erasures: Iterable[Erasure]) -> dict[tuple[str, str], int | None]:
    until: dict[tuple[str, str], int | None] = {}
    shared: dict[tuple[str, str], None] = {}
    for erasure in erasures:  # the oldest first
        until |= {(trace.what, trace.digest): erasure.until_ms for trace in erasure.traces}
        shared |= {("serialNumber", trace.digest): None for trace in erasure.traces if trace.what == SHARED}
    return {key: moment for key, moment in (until | shared).items() if key[0] in IDENTIFYING}


def named_by(value: Any, people: str | None) -> list[str]:
    """Whom a customer record names: the one in its field, if it has one, else everybody in its text."""
    owner = value_of(value, "email")
    return _lines(people) if owner is None else [owner]


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []


def _decoded(text: str) -> Any:
    document = next(read_documents(io.BytesIO(text.encode("utf-8", "surrogatepass"))), None)
    return document.value if document else None


def moment_of(record: Any, key: str) -> int | None:
    """The moment under a key (epoch ms), where landing would read one: a number, or a text of one."""
    value = _under(record, key)
    if isinstance(value, str):
        value = int(value) if value.strip().isdecimal() else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def value_of(record: Any, key: str) -> str | None:
    """The text or number under a key."""
    value = _under(record, key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() else None


def _under(record: Any, key: str) -> Any:
    """What is under a key, found as landing finds it: as the contract spells it, else in any spelling."""
    if not isinstance(record, Mapping):
        return None
    found = (
        [record[key]] if key in record else [item for name, item in record.items() if name.casefold() == key.casefold()]
    )
    return found[0] if found and all(item == found[0] for item in found) else None
