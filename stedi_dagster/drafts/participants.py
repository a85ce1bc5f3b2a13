"""Who is which participant: random numbers, given once and kept, so that they say nothing about a person."""

import uuid
from collections.abc import Iterator
from functools import partial

from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import CustomerLanding, Participants, Quarantine
from stedi_dagster.drafts.audited import Findings
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.plan import CUSTOMER_LANDING, CUSTOMER_QUARANTINE
from stedi_dagster.drafts.run import PARTICIPANTS, Run
from stedi_dagster.errors import StediError
from stedi_dagster.fingerprint import fingerprint
from stedi_dagster.keys import matching_key
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.lakehouse.upgrade import add_checksums
from stedi_dagster.policies.people import agreeing_people, with_doubtful


def draft_participants(run: Run, customers_curated: Snapshot) -> Draft:
    """Draft `participants`: an id for everybody in customers_curated who has none, and none for who withdrew.

    Whoever agrees again later is somebody new; who is only absent, because a feed was cut off, is not. The numbers are
    drawn here and not in the engine, whose query plan would hold what they were drawn from.

    Args:
        run: the run; it holds the writer lock.
        customers_curated: the people.

    Raises:
        EngineError: the engine did not do its work.
    """
    known = run.lakehouse.read(PARTICIPANTS, Participants)
    landed = run.read(CUSTOMER_LANDING, CustomerLanding)
    unreadable = run.read(CUSTOMER_QUARANTINE, Quarantine)
    table = run.lakehouse.ensure_table(PARTICIPANTS, Participants)
    made_from = {read.name: read.snapshot_id for read in (customers_curated, landed, unreadable)}
    findings = Findings(run, (), made_from=made_from, code=run.code_version(Participants))
    # Before the way out: it removes what a killed run left, which names people.
    staged = run.lakehouse.stage(table, Participants)
    drafted = partial(
        Draft,
        outcomes=(),
        rows_in=customers_curated.rows,
        withheld={},
        upstream={customers_curated.name: customers_curated.snapshot_id},
    )
    # Nobody is given another number because the numbers are gone: where they are, the engine says so.
    if known and not known.files.missing() and findings.of_earlier(commit := run.lakehouse.keep(table, known)):
        return drafted(commit, counted={"registered": 0, "forgotten": 0})
    with run.at_work(PARTICIPANTS, "looking for new participants"):
        people = curated = customers_curated.frame(run.session).select("email")
        gone: set[str] = set()
        if known is not None:
            registered = known.frame(run.session).select(F.col("email").alias("registered"))
            people = people.join(registered, on=F.col("email") == F.col("registered"), how="left_anti")
            records, texts = landed.frame(run.session), unreadable.frame(run.session)
            agreeing = agreeing_people(records, texts)
            left = registered.join(agreeing, on=F.col("registered") == F.col("agreeing"), how="left_anti")
            named = with_doubtful(records, texts).select(matching_key("email").alias("named"))
            left = left.join(named, on=F.col("registered") == F.col("named"), how="left_semi")
            # Who is in doubt, and stays published because too many are.
            left = left.join(curated, on=F.col("registered") == F.col("email"), how="left_anti")
            gone.update(left.toArrow()["registered"].to_pylist())
        new: list[str] = people.toArrow()["email"].to_pylist()
    counted = {"registered": len(new), "forgotten": len(gone)}
    if known is not None and not new and not gone:
        commit = run.lakehouse.keep(add_checksums(run.lakehouse, table, Participants), known)
        findings.record(commit)
        return drafted(commit, counted=counted)

    def rows() -> Iterator[tuple[str, str]]:
        if known is not None:
            for batch in known.files.batches(Participants.names()):
                for email, participant in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    if email not in gone:
                        yield email, participant
        for email in new:
            yield email, str(uuid.uuid4())

    staged.write_rows(rows())
    summary = SnapshotSummary(
        inputs=fingerprint({"run": run.run_id, "before": known.snapshot_id if known else None}),
        run_id=run.run_id,
        code_version=run.code_version(Participants),
        registered=len(new),
        forgotten=len(gone),
    )
    commit = run.lakehouse.prepare(table, staged.files(), summary)
    findings.record(commit)
    return drafted(commit, counted=counted)


def refuse_unregistered(customers_curated: Snapshot, participants: Snapshot) -> None:
    """Refuse to pair the readings of people who have no participantId: theirs would silently be missing.

    Raises:
        StediError: somebody has none.
    """
    unregistered = set(customers_curated.files.column("email")) - set(participants.files.column("email"))
    if unregistered:
        raise StediError(
            f"People in customers_curated who have no participantId yet: {len(unregistered):,}. "
            "Materialize participants first, or materialize everything."
        )
