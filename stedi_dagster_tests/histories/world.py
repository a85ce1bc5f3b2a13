"""What the landing zone holds, and what every table must therefore hold: the rules of docs/explanation/consent.md.

The oracle of the histories. Nothing of the platform is used, so that no error of it can hide here.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from stedi_dagster_tests.scenario import T0, customer, reading, step

Row = tuple[Any, ...]
Rows = Counter[Row]

# The column of a table's rows (as `World.expected` has them) that says whose a row is; "serial": whose device's.
WHOSE = {
    "customer_landing": 0,
    "customer_quarantine": 0,
    "accelerometer_landing": 0,
    "step_trainer_landing": "serial",
    "customer_trusted": 0,
    "accelerometer_trusted": 0,
    "customers_curated": 0,
    "step_trainer_trusted": "serial",
    "machine_learning_curated": 0,
}
TRUSTED = ("customer_trusted", "accelerometer_trusted", "customers_curated", "step_trainer_trusted")


@dataclass(frozen=True)
class Record:
    """One raw record as it was delivered, and what can be read of it."""

    feed: str
    text: str
    person: str | None = None
    serial: str | None = None
    # When a customer registered, or a reading was taken: what an erasure is held against.
    moment: int | None = None
    written: int | None = None
    agrees: bool = False
    readable: bool = True
    value: float = 0.0


@dataclass(frozen=True)
class Erased:
    """An erasure that has begun: it counts for what was sent until `at`, and for ever for devices in `shared`."""

    person: str
    serials: frozenset[str]
    shared: frozenset[str]
    at: int
    done: bool

    def covers(self, record: Record) -> bool:
        """Whether a record is the person's, whenever it was sent."""
        return record.serial in self.serials if record.feed == "step_trainer" else record.person == self.person

    def seals(self, record: Record, *, anew: bool) -> bool:
        """Whether a record may not land, whoever delivers it.

        Args:
            record: the record.
            anew: whether the person has registered anew. What may be a refusal then counts unless it is older.
        """
        if not self.covers(record):
            return False
        if record.feed == "step_trainer" and record.serial in self.shared:
            return True
        until_then = record.moment is None or record.moment <= self.at
        if anew and record.feed == "customer" and not record.agrees:
            return until_then and record.written is not None and record.written <= self.at
        return until_then

    def registered_anew(self, record: Record) -> bool:
        """Whether a record is a registration of the person's after the erasure."""
        new = record.feed == "customer" and record.readable and self.covers(record)
        return new and not self.seals(record, anew=False)

    def strike(self, table: str, rows: Rows) -> Rows:
        """A table without the person."""
        if WHOSE[table] == "serial":
            return Counter({row: times for row, times in rows.items() if row[1] not in self.serials})
        return Counter({row: times for row, times in rows.items() if row[0] != self.person})


@dataclass
class World:
    """The raw files, the erasures, and since when (epoch ms) each erased person's new records are dated."""

    files: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    erasures: list[Erased] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)

    def says(self, email: str, serial: str, what: str, tick: int, spelled: str) -> Record:
        """A customer record: `agrees`, `refuses`, or one of two kinds that cannot be read."""
        since = self.since.get(email, T0)
        written = since + tick
        agreed = None if what == "refuses" else written
        given = customer(spelled, agreed=agreed, serial=serial, registrationDate=since, lastUpdateDate=written)
        known = Record("customer", json.dumps(given), email, serial, since, written, agrees=what == "agrees")
        if what == "cannot be read":
            worded = json.dumps(given | {"shareWithResearchAsOfDate": "in June"})
            return replace(known, text=worded, moment=written, readable=False)
        if what == "is cut off":
            return replace(known, text=json.dumps(given)[:-3], moment=None, written=None, agrees=False, readable=False)
        return known

    def wears(self, email: str, tick: int, value: float, spelled: str) -> Record:
        """An accelerometer reading."""
        at = self.since.get(email, T0) + tick
        return Record("accelerometer", json.dumps(reading(spelled, at, x=value)), email, None, moment=at, value=value)

    def steps(self, email: str, serial: str, tick: int) -> Record:
        """A step reading of somebody's device."""
        at = self.since.get(email, T0) + tick
        return Record("step_trainer", json.dumps(step(serial, at)), None, serial, moment=at)

    def records(self, feed: str) -> Iterator[Record]:
        """What of a feed may land."""
        last = {erased.person: erased for erased in self.erasures}
        anew = {person for person, erased in last.items() if any(map(erased.registered_anew, self._delivered()))}
        for record in self._delivered():
            if record.feed == feed and not any(
                erased.seals(record, anew=erased.person in anew) for erased in self.erasures
            ):
                yield record

    def _delivered(self) -> Iterator[Record]:
        return (record for file in self.files.values() for record in file)

    def erase(self, erased: Erased, *, resumed: bool) -> None:
        """Take the person out of the raw files; if they registered anew before this was resumed, what was before it."""
        all_times = not (resumed and any(map(erased.registered_anew, self._delivered())))
        for name, records in self.files.items():
            self.files[name] = tuple(
                record
                for record in records
                if not (erased.covers(record) if all_times else erased.seals(record, anew=True))
            )

    def serials_of(self, email: str) -> frozenset[str]:
        """The devices that anything delivered of a person names."""
        every = (record for record in self._delivered() if record.feed == "customer")
        return frozenset(record.serial for record in every if record.person == email and record.serial)

    def shared(self, email: str, landed: Rows) -> frozenset[str]:
        """The devices of a person that others' records name, in raw files or in what had landed."""
        delivered = {(record.person, record.serial) for record in self._delivered() if record.feed == "customer"}
        others = {serial for person, serial in delivered | {row[:2] for row in landed} if person != email}
        return self.serials_of(email) & others

    def serials(self) -> set[str | None]:
        """The devices that anything names that may land."""
        return {record.serial for feed in ("customer", "step_trainer") for record in self.records(feed)}

    def names(self, email: str) -> bool:
        """Whether anything that may land names a person."""
        return any(record.person == email for feed in ("customer", "accelerometer") for record in self.records(feed))

    def agreeing(self) -> dict[str, Record]:
        """Whose latest readable record agrees, and that record. Of several of one moment a refusal counts."""
        found: dict[str, list[Record]] = {}
        for record in self.records("customer"):
            if record.readable and record.person:
                found.setdefault(record.person, []).append(record)
        latest = {email: [one for one in all_ if one.written == _last(all_)] for email, all_ in found.items()}
        return {email: last[0] for email, last in latest.items() if all(one.agrees for one in last)}

    def consenting(self) -> dict[str, Record]:
        """The same without those of whom a later record cannot be read."""
        doubts = [record for record in self.records("customer") if not record.readable]
        return {
            email: latest
            for email, latest in self.agreeing().items()
            if not any(doubt.person == email and _not_before(doubt, latest) for doubt in doubts)
        }

    def expected(self) -> dict[str, Rows]:
        """What every table holds after a run."""
        customers = list(self.records("customer"))
        worn, stepped = list(self.records("accelerometer")), list(self.records("step_trainer"))
        people = self.consenting()
        active = {record.person for record in worn} & people.keys()
        owner = {people[email].serial: email for email in active if email}
        carriers = Counter(serial for serial, _ in {(record.serial, record.person) for record in customers})
        readings = {_reading(record) for record in worn if record.person in people}
        steps = {_step(record) for record in stepped if record.serial in owner and carriers[record.serial] == 1}
        pairs = (
            (owner[serial], at, x)
            for at, serial in steps
            for user, at_, x in readings
            if _same(owner[serial], user, at, at_)
        )
        return {
            "customer_landing": Counter(_customer(record) for record in customers if record.readable),
            "customer_quarantine": Counter((one.person, one.text) for one in customers if not one.readable),
            "accelerometer_landing": Counter(map(_reading, worn)),
            "step_trainer_landing": Counter(map(_step, stepped)),
            "customer_trusted": Counter(map(_customer, people.values())),
            "accelerometer_trusted": Counter(readings),
            "customers_curated": Counter(_customer(people[email]) for email in active if email),
            "step_trainer_trusted": Counter(steps),
            "machine_learning_curated": Counter(pairs),
        }


def _last(records: Iterable[Record]) -> int:
    return max(record.written or 0 for record in records)


def _not_before(doubt: Record, latest: Record) -> bool:
    return doubt.written is None or doubt.written >= (latest.written or 0)


def _same(owner: str, user: str | None, at: int | None, at_: int | None) -> bool:
    return owner == user and at == at_


def _customer(record: Record) -> Row:
    return record.person, record.serial, record.written, record.agrees


def _reading(record: Record) -> Row:
    return record.person, record.moment, record.value


def _step(record: Record) -> Row:
    return record.moment, record.serial
