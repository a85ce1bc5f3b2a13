"""What takes effect although a feed is refused: its quarantine is shown, and the rows of whoever withdrew are deleted.

A feed in trouble may only ever delete; nothing is added here (ADR 12).
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
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.run import Run
from stedi_dagster.drafts.statements import UNDATED, Statement, statements_in_raw_files
from stedi_dagster.drafts.withdrawn import agreeing_people, delete_withdrawn, trusted_people, tuples
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.landing.cut import Addresses
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.land import presentable

WITHDRAWN = "withdrawn in a feed that was refused"
# The first columns of a quarantine that say where a text stands: file, line, position.
_PLACE = 3


def enforce_withdrawals(run: Run, feed: Feed, landing: str, draft: Draft | None) -> int:
    """Publish the quarantine of a feed that is refused, and delete the rows of whoever may not be in a table.

    Whichever feed is refused, the tables are not made anew; so the rows of people who withdrew in readable customer
    files are deleted. What this is judged from (landed records, participants) stays as it is, so that a killed run is
    simply repeated, and the next good run makes everything as if nothing had been refused.

    Args:
        run: the run; it holds the writer lock.
        feed: the feed.
        landing: the landing zone.
        draft: what was staged; None where the feed could not be staged at all.

    Returns:
        How many rows were deleted.

    Raises:
        PublishConflictError: another run published one of the tables at the same time.
    """
    run.lakehouse.holding.confirm()
    withdrawn = _withdrawn(run, landing)
    _publish_quarantine(run, feed, draft, withdrawn.rows if feed.contract is CustomerLanding else [])
    return delete_withdrawn(run, withdrawn.people)


@dataclass
class _Withdrawn:
    """Who withdrew, by their keys, and the records that state it as rows of `Quarantine`."""

    people: set[str] = field(default_factory=set)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


def _withdrawn(run: Run, landing: str) -> _Withdrawn:
    """Whose latest statement in the raw files is a refusal that is not yet published, readable or not."""
    landed, trusted = agreeing_people(run.lakehouse), trusted_people(run.lakehouse)
    readable = {person: Statement(moment, refuses=False) for person, moment in landed.items()}
    doubted: dict[str, float] = {}
    known = Addresses(landed)
    for statement in statements_in_raw_files(landing, now_ms=run.now_ms):
        if statement.unreadable:
            for person in known.beginning(statement.person) if statement.prefix else landed.keys() & {statement.person}:
                doubted[person] = max(statement.moment, doubted.get(person, -1))
        elif statement.person in landed:
            readable[statement.person] = max(statement, readable[statement.person], key=Statement.order)
    going = {person: statement for person, statement in readable.items() if statement.refuses}
    found = _Withdrawn(set(going), [_row(statement) for statement in going.values()])
    unsure = {person for person, moment in doubted.items() if moment >= readable[person].moment} - found.people
    if not too_many_doubted(len(unsure & trusted), len(trusted), run.max_doubt):
        found.people |= unsure
    return found


def _row(statement: Statement) -> tuple[Any, ...]:
    assert statement.document is not None  # noqa: S101 - what was published before refuses nothing
    moment = None if statement.moment == UNDATED else int(statement.moment)
    where = (statement.file, statement.document.line, statement.document.position)
    return (*where, WITHDRAWN, presentable(statement.document.text), statement.person, None, moment)


def _publish_quarantine(run: Run, feed: Feed, draft: Draft | None, rows: list[tuple[Any, ...]]) -> None:
    """Show what cannot be read, and the withdrawals.

    Where files may be missing, what was published before is kept beside it: it may put people in doubt, who stay out.
    """
    lakehouse = run.lakehouse
    table = lakehouse.ensure_table(feed.quarantine, Quarantine)
    published = lakehouse.read(feed.quarantine, Quarantine)
    shown = [draft.quarantine.files] if draft and draft.quarantine else []
    if published is not None and (not shown or _shrunk(draft)):
        shown.append(published.files)
    if not shown and not rows:
        return
    staged = lakehouse.stage_beside(table, Quarantine)
    staged.write_rows(chain(_texts_once(shown), rows))
    summary = SnapshotSummary(
        # No listing: the next run does not take it for the quarantine of what it publishes.
        inputs=f"refused in run {run.run_id}",
        run_id=run.run_id,
        code_version=run.code_version(Quarantine),
        refused=True,
    )
    lakehouse.expire(lakehouse.prepare(table, staged.files(), summary).publish().table)


def _shrunk(draft: Draft | None) -> bool:
    return draft is not None and any(outcome.check == VOLUME and outcome.blocks for outcome in draft.outcomes)


def _texts_once(quarantines: list[DataFiles]) -> Iterator[tuple[Any, ...]]:
    """Unreadable texts; where several quarantines have one of the same place, that of the first."""
    shown: set[tuple[Any, ...]] = set()
    for number, files in enumerate(quarantines, start=1):
        for text in tuples(map(_without_earlier, files.batches(Quarantine.names()))):
            where = text[:_PLACE]
            if where not in shown:
                yield text
            if number < len(quarantines):
                shown.add(where)


def _without_earlier(rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.filter(pc.not_equal(rows["reason"], WITHDRAWN))
