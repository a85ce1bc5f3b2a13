"""Cutting releases again: whatever machine_learning_curated no longer has is in no release either."""

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import OPTIONAL, MachineLearningCurated, MlRelease
from stedi_dagster.erasure.delete_rows import delete_rows, nothing
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.audit_record import AuditRecord
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import ROWS, Revision, Revisions, unrecorded
from stedi_dagster.lakehouse.snapshot import Snapshot

REASON = "rows are no longer in machine_learning_curated: people withdrew, or what landed or the rules have changed"
_CURATED = MachineLearningCurated.table()
_ROW = ", ".join(MachineLearningCurated.names())
_MOMENT = MachineLearningCurated.event_time() or ""
# Who is gone altogether, so that of the others there are few moments to be told.
_GONE = f"""
    SELECT DISTINCT participantId FROM {ROWS}
    WHERE participantId NOT IN (SELECT participantId FROM {_CURATED})
"""  # noqa: S608 - names of our own tables
_TAKEN_OUT = f"""
    SELECT DISTINCT participantId, {_MOMENT} FROM (
        SELECT {_ROW} FROM {ROWS} WHERE participantId IN (SELECT participantId FROM {_CURATED})
        EXCEPT SELECT {_ROW} FROM {_CURATED}
    )
"""  # noqa: S608 - as above


def cut_again(lakehouse: Lakehouse, *, run_id: str, memory_mb: int | None = None) -> list[Revision]:
    """Take out of all releases what machine_learning_curated no longer has, and return the new revisions.

    A row that may not be published today is in no release, whatever the reason: people withdrew, a serial number turned
    out to be somebody else's too, the rules changed. Of a moment of somebody's of which a row went, all rows go.

    Args:
        lakehouse: the caller holds its writer lock.
        run_id: the run that does so.
        memory_mb: the megabytes that looking for them may take.

    Raises:
        StediError: the tables cannot be read.
    """
    try:
        return _cut_again(lakehouse, run_id, memory_mb)
    finally:
        # In every run: a snapshot that is over may be one that a killed run has left.
        for contract in OPTIONAL.values():
            if (table := lakehouse.table(contract.table())) is not None:
                lakehouse.expire(table)


def _cut_again(lakehouse: Lakehouse, run_id: str, memory_mb: int | None) -> list[Revision]:
    _sweep_unrecorded(lakehouse)
    released = lakehouse.read(ROWS, MlRelease)
    curated = lakehouse.read(_CURATED, MachineLearningCurated)
    if released is None or curated is None:
        return []
    record = AuditRecord.of(released.table)
    since = record.against if record else str(released.summary.upstream.get(_CURATED, ""))
    if since == str(curated.rows_since):
        return Revisions(lakehouse).record_cuts(REASON)
    if not _only_added(curated, since):
        try:
            _take_out(lakehouse, released, curated, run_id, memory_mb)
        except StediError:
            # Row by row it cannot be done; people can always be taken out, of what is readable.
            _take_out_people(lakehouse, curated, run_id)
            raise
    released = lakehouse.read(ROWS, MlRelease) or released
    commit = lakehouse.keep(released.table, released)
    commit.audit = AuditRecord(against=str(curated.rows_since), run_id=run_id)
    commit.publish()
    return Revisions(lakehouse).record_cuts(REASON)


def _sweep_unrecorded(lakehouse: Lakehouse) -> None:
    """Take out the rows of releases whose creation was interrupted."""
    released = lakehouse.read(ROWS, MlRelease)
    revisions = Revisions(lakehouse)
    if released is None or revisions.tell_of(released):
        return
    if names := unrecorded(released.files, revisions.all()):
        going = pa.array(sorted(names), pa.string())
        delete_rows(
            lakehouse,
            ROWS,
            MlRelease,
            ["release"],
            lambda rows: pc.is_in(rows["release"], value_set=going),
            nothing,
            inputs="without releases that were not finished",
            since="withdrawn_since",
        )


def _only_added(curated: Snapshot, since: str) -> bool:
    """Whether all rows that a table had in an earlier snapshot are still in the same files."""
    earlier = curated.earlier(int(since)) if since.isdecimal() else None
    return earlier is not None and not earlier.files.without(curated.files.paths).paths


def _take_out(lakehouse: Lakehouse, released: Snapshot, curated: Snapshot, run_id: str, memory_mb: int | None) -> None:
    # Loaded by those who have somebody to take out: every run would wait for it.
    import duckdb

    from stedi_dagster.audits.standing.evidence import unreadable
    from stedi_dagster.lakehouse.query import connect

    tables = {ROWS: released.table, _CURATED: curated.table}
    try:
        with connect(lakehouse, tables, memory_mb=memory_mb) as connection:
            gone: pa.Table = connection.sql(_GONE).to_arrow_table()
            moments: pa.Table = connection.sql(_TAKEN_OUT).to_arrow_table()
    except duckdb.OutOfMemoryException:
        raise StediError(
            "Looking for rows that releases must lose needs more memory than STEDI_MEMORY, or the machine, gives it."
        ) from None
    except duckdb.Error as error:
        raise unreadable(error) from None
    people = gone["participantId"].combine_chunks()
    keys = _keys(moments["participantId"].combine_chunks(), moments[_MOMENT].combine_chunks())

    def going(rows: pa.RecordBatch) -> pa.BooleanArray:
        theirs = pc.is_in(rows["participantId"], value_set=people)
        return pc.or_(theirs, pc.is_in(_keys(rows["participantId"], rows[_MOMENT]), value_set=keys))

    delete_rows(
        lakehouse,
        ROWS,
        MlRelease,
        ["participantId", _MOMENT],
        going,
        nothing,
        inputs=f"cut again, run {run_id}",
        since="withdrawn_since",
    )


def _take_out_people(lakehouse: Lakehouse, curated: Snapshot, run_id: str) -> None:
    """Take out whoever is not in machine_learning_curated any more, from the files of releases that can be read."""
    staying: set[str] = set()
    for batch in curated.files.batches(["participantId"]):
        staying.update(pc.unique(batch["participantId"]).to_pylist())
    people = pa.array(sorted(staying), pa.string())
    delete_rows(
        lakehouse,
        ROWS,
        MlRelease,
        ["participantId"],
        lambda rows: pc.invert(pc.is_in(rows["participantId"], value_set=people)),
        nothing,
        inputs=f"people cut again, run {run_id}",
        since="withdrawn_since",
        readable=True,
    )


def _keys(participants: pa.Array, moments: pa.Array) -> pa.Array:
    """A text for each participant and moment."""
    return pc.binary_join_element_wise(participants, pc.cast(moments, pa.string()), " ")
