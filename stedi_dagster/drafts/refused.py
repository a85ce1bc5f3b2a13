"""What takes effect of a feed that is refused: its quarantine is shown, and who withdrew in it is taken out.

A feed in trouble may only ever take people out; nothing is added here (ADR 12).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from stedi_dagster.checks.doubt import too_many_doubted
from stedi_dagster.checks.volume import CHECK as VOLUME
from stedi_dagster.contracts import TABLES, Contract, CustomerLanding, Participants, Quarantine
from stedi_dagster.drafts.landing import REFUSED
from stedi_dagster.drafts.run import PARTICIPANTS, Draft, Run
from stedi_dagster.drafts.withdrawing import UNDATED, Said, said_in_raw_files
from stedi_dagster.erasure.strike import strike
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.landing.cut import Addresses
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.land import presentable
from stedi_dagster.policies.keys import key_of

WITHDRAWN = "withdrawn in a feed that was refused"
# Recorded with a snapshot: how many rows of the table were taken out for a refused feed since a run made it.
WITHDRAWN_SINCE = "withdrawn-since"
# So many of a quarantine's columns tell where a text stands: file, line, position.
_PLACE = 3


def let_take_out(run: Run, feed: Feed, landing: str, draft: Draft | None) -> int:
    """Publish the quarantine of a feed that is refused, and take out of the tables who withdrew in what can be read.

    What it is judged from is left as it is (landed records, participants), so that a killed run is simply done again
    and the next good run makes everything as if nothing had been refused.

    Args:
        run: the run; it holds the writer lock.
        feed: the feed.
        landing: the landing zone.
        draft: what was staged; None where a file could not be read at all.

    Returns:
        How many people were taken out.

    Raises:
        PublishConflictError: another run published one of the tables at the same time.
    """
    run.lakehouse.holding.confirm()
    withdrawn = _Withdrawn()
    if feed.contract is CustomerLanding:
        withdrawn = _withdrawn(run, landing)
    _publish_quarantine(run, feed, draft, withdrawn.rows)
    _take_out(run, withdrawn.people)
    return len(withdrawn.people)


def take_out_withdrawn(run: Run) -> int:
    """Where customer_trusted is refused, take out of the tables who is in it and no longer agrees as landed.

    Args:
        run: the run; it holds the writer lock.

    Returns:
        How many people were taken out.

    Raises:
        PublishConflictError: another run published one of the tables at the same time.
    """
    run.lakehouse.holding.confirm()
    people = set(map(key_of, _values(run.lakehouse, "customer_trusted", "email"))) - _agreeing(run.lakehouse).keys()
    _take_out(run, people)
    return len(people)


def _take_out(run: Run, people: set[str]) -> None:
    if people:
        for name, contract, column, values in _places(run.lakehouse, people):
            _strike(run, name, contract, column, values)


@dataclass
class _Withdrawn:
    """Who is to go, by their keys, and the records that say so as rows of `Quarantine`."""

    people: set[str] = field(default_factory=set)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


def _withdrawn(run: Run, landing: str) -> _Withdrawn:
    """Whose last word in the raw files is a refusal, by a record or by a text that is none, and not yet published."""
    landed, trusted = _agreeing(run.lakehouse), _values(run.lakehouse, "customer_trusted", "email")
    readable = {person: Said(moment, refuses=False) for person, moment in landed.items()}
    doubted: dict[str, float] = {}
    known = Addresses(landed)
    for said in said_in_raw_files(landing, now_ms=run.now_ms):
        if said.unreadable:
            for person in known.beginning(said.person) if said.begun else landed.keys() & {said.person}:
                doubted[person] = max(said.moment, doubted.get(person, -1))
        elif said.person in landed:
            readable[said.person] = max(said, readable[said.person], key=Said.order)
    going = {person: said for person, said in readable.items() if said.refuses}
    found = _Withdrawn(set(going), [_row(said) for said in going.values()])
    unsure = {person for person, moment in doubted.items() if moment >= readable[person].moment} - found.people
    if not too_many_doubted(len(unsure & trusted), len(trusted), run.max_doubt):
        found.people |= unsure
    return found


def _row(said: Said) -> tuple[Any, ...]:
    assert said.document is not None  # noqa: S101 - what was published before refuses nothing
    moment = None if said.moment == UNDATED else int(said.moment)
    where = (said.file, said.document.line, said.document.position)
    return (*where, WITHDRAWN, presentable(said.document.text), said.person, None, moment)


def _agreeing(lakehouse: Lakehouse) -> dict[str, float]:
    """When everybody who agrees as published last said so; whoever refuses there is in no table."""
    last: dict[str, Said] = {}
    names = ["email", "lastUpdateDate", "registrationDate", "shareWithResearchAsOfDate"]
    for email, updated, registered, agreed in _rows(lakehouse, "customer_landing", CustomerLanding, names):
        said = Said.of_record(key_of(email), updated, registered, agreed)
        last[said.person] = max(said, last.get(said.person, said), key=Said.order)
    return {person: said.moment for person, said in last.items() if not said.refuses}


def _places(lakehouse: Lakehouse, people: set[str]) -> Iterator[tuple[str, type[Contract], str, set[str]]]:
    """Where people stand, and by what."""
    numbers = _rows(lakehouse, PARTICIPANTS, Participants, ["email", "participantId"])
    # What they were published with, too: it may be gone from what has landed.
    devices = chain.from_iterable(
        _rows(lakehouse, name, TABLES[name], ["email", "serialNumber"])
        for name in ("customer_landing", "customer_trusted")
    )
    standing = {
        "machine_learning_curated": ("participantId", {number for email, number in numbers if key_of(email) in people}),
        "step_trainer_trusted": (
            "serialNumber",
            {key_of(serial) for email, serial in devices if key_of(email) in people},
        ),
        "accelerometer_trusted": ("user", people),
        "customers_curated": ("email", people),
        "customer_trusted": ("email", people),
    }
    for name, (column, values) in standing.items():
        yield name, TABLES[name], column, values


def _strike(run: Run, name: str, contract: type[Contract], column: str, values: set[str]) -> None:
    def going(rows: pa.RecordBatch) -> pa.BooleanArray:
        there = pc.unique(rows[column]).to_pylist()
        gone = [value for value in there if value in values or key_of(value) in values]
        return pc.is_in(rows[column], value_set=pa.array(gone, pa.string()))

    made_from = f"without who withdrew, run {run.run_id}"
    rows = strike(run.lakehouse, name, contract, [column], going, _nothing, inputs=made_from, since=WITHDRAWN_SINCE)
    table = run.lakehouse.table(name)
    if rows and table is not None:
        run.lakehouse.expire(table)


def _nothing(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.slice(0, 0)


def _publish_quarantine(run: Run, feed: Feed, draft: Draft | None, rows: list[tuple[Any, ...]]) -> None:
    """Show what cannot be read, and the withdrawals.

    What was published before stays beside it where files may be missing: whoever is in doubt by them must stay out.
    """
    lakehouse = run.lakehouse
    table = lakehouse.ensure_table(feed.quarantine, Quarantine)
    published = lakehouse.read(feed.quarantine, Quarantine)
    contents = [draft.also[0].content] if draft and draft.also else []
    if published is not None and (not contents or _shrunk(draft)):
        contents.append(published.content)
    if not contents and not rows:
        return
    staging = lakehouse.stage_more(table, Quarantine)
    staging.write_rows(chain(_texts_once(lakehouse, contents), rows))
    # Made from this run, and from no listing: the next run does not take it for the quarantine of what it publishes.
    recorded = {"run-id": run.run_id, "code-version": run.code_version, REFUSED: True}
    lakehouse.prepare(table, staging.content(), f"refused in run {run.run_id}", recorded).commit()
    lakehouse.expire(table.refresh())


def _shrunk(draft: Draft | None) -> bool:
    return draft is not None and any(outcome.check == VOLUME and outcome.blocks for outcome in draft.outcomes)


def _texts_once(lakehouse: Lakehouse, contents: list[Content]) -> Iterator[tuple[Any, ...]]:
    """Unreadable texts; where several contents have one of the same place, that of the first."""
    shown: set[tuple[Any, ...]] = set()
    for number, content in enumerate(contents, start=1):
        for text in _tuples(map(_without_earlier, _batches(lakehouse, content, Quarantine.names()))):
            where = text[:_PLACE]
            if where not in shown:
                yield text
            if number < len(contents):
                shown.add(where)


def _without_earlier(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.filter(pc.not_equal(rows["reason"], WITHDRAWN))


def _values(lakehouse: Lakehouse, name: str, column: str) -> set[str]:
    return {value for (value,) in _rows(lakehouse, name, TABLES[name], [column])}


def _rows(lakehouse: Lakehouse, name: str, contract: type[Contract], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    reading = lakehouse.read(name, contract)
    return iter(()) if reading is None else _tuples(_batches(lakehouse, reading.content, columns))


def _tuples(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _batches(lakehouse: Lakehouse, content: Content, columns: list[str]) -> Iterator[pa.RecordBatch]:
    for path in content.paths:
        with pq.ParquetFile(lakehouse.storage.within(path), filesystem=lakehouse.storage.filesystem) as file:
            yield from map(partial(_in_order, columns), file.iter_batches(columns=columns))


def _in_order(columns: list[str], batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.select(columns)
