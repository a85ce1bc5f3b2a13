"""What takes effect of a feed that is refused: its quarantine is shown, and who withdrew in it is taken out.

A feed in trouble may only ever take people out; nothing is added here (ADR 12).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.audits.gate.doubt import too_many_doubted
from stedi_dagster.audits.gate.volume import CHECK as VOLUME
from stedi_dagster.contracts import CustomerLanding, Quarantine
from stedi_dagster.drafts.landing import REFUSED
from stedi_dagster.drafts.run import Draft, Run
from stedi_dagster.drafts.taking_out import agreeing_people, take_out, trusted_people, tuples
from stedi_dagster.drafts.withdrawing import UNDATED, Said, said_in_raw_files
from stedi_dagster.erasure.delete_rows import batches
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.staging import Content
from stedi_dagster.landing.cut import Addresses
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.land import presentable

WITHDRAWN = "withdrawn in a feed that was refused"
# So many of a quarantine's columns tell where a text stands: file, line, position.
_PLACE = 3


def let_take_out(run: Run, feed: Feed, landing: str, draft: Draft | None) -> int:
    """Publish the quarantine of a feed that is refused, and take out of the tables whoever may not be in them.

    Whichever feed it is, tables are not made anew for it; so who withdrew in customer files that can be read goes.
    What it is judged from is left as it is (landed records, participants), so that a killed run is simply done again
    and the next good run makes everything as if nothing had been refused.

    Args:
        run: the run; it holds the writer lock.
        feed: the feed.
        landing: the landing zone.
        draft: what was staged; None where the feed could not be staged at all.

    Returns:
        How many rows were taken out.

    Raises:
        PublishConflictError: another run published one of the tables at the same time.
    """
    run.lakehouse.holding.confirm()
    withdrawn = _withdrawn(run, landing)
    _publish_quarantine(run, feed, draft, withdrawn.rows if feed.contract is CustomerLanding else [])
    return take_out(run, withdrawn.people)


@dataclass
class _Withdrawn:
    """Who is to go, by their keys, and the records that say so as rows of `Quarantine`."""

    people: set[str] = field(default_factory=set)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


def _withdrawn(run: Run, landing: str) -> _Withdrawn:
    """Whose last word in the raw files is a refusal, by a record or by a text that is none, and not yet published."""
    landed, trusted = agreeing_people(run.lakehouse), trusted_people(run.lakehouse)
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
        for text in tuples(map(_without_earlier, batches(lakehouse.storage, content, Quarantine.names()))):
            where = text[:_PLACE]
            if where not in shown:
                yield text
            if number < len(contents):
                shown.add(where)


def _without_earlier(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.filter(pc.not_equal(rows["reason"], WITHDRAWN))
