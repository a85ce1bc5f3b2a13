"""Creating a release: machine_learning_curated as it is now, split by participant, where every audit passes."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from stedi_dagster.audits.gate import evidence
from stedi_dagster.audits.standing.audit import Verdict
from stedi_dagster.audits.standing.catalog import AUDITS, EXPORTS
from stedi_dagster.audits.standing.evidence import Evidence, evidence_of
from stedi_dagster.audits.standing.judging import judge
from stedi_dagster.contracts import MachineLearningCurated, MlRelease, StepTrainerTrusted
from stedi_dagster.contracts.releases import RELEASE_NAME
from stedi_dagster.erasure.ledger import Ledger, unfinished
from stedi_dagster.errors import ReleaseError, StediError
from stedi_dagster.lakehouse.audit_record import AuditRecord
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import CREATED, ROWS, Revisions, contents
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.releases.cut import cut_again
from stedi_dagster.releases.facts import AgeBand, AuditOutcome, Origin, Release
from stedi_dagster.releases.read import release_of
from stedi_dagster.report.gather import audit_facts, funnel_of
from stedi_dagster.settings import Settings
from stedi_dagster.split import PARTS, Part, Shares, part_of
from stedi_dagster.sql.library import EXPLORE
from stedi_dagster.wording import counted

_CURATED, _STEPS = MachineLearningCurated.table(), StepTrainerTrusted.table()
_LONGEST_NOTE = 2_000
# Below this many people nothing is said of them; and so coarse are numbers of people.
_FEWEST = 10
_MILLION = 1_000_000


def create(
    settings: Settings, lakehouse: Lakehouse, name: str, *, note: str | None, tell: Callable[[str], None]
) -> Release:
    """Create a release.

    Args:
        settings: the rules in force.
        lakehouse: the caller holds its writer lock.
        name: the release's.
        note: what there is to say of it; names nobody.
        tell: told what is happening.

    Raises:
        ReleaseError: it must not be created, and why.
        StediError: the tables cannot be read or written.
    """
    _refuse_wording(name, note)
    if name in (revisions := Revisions(lakehouse)).all():
        raise ReleaseError(f"There is a release {name} already: releases stay as they are. Choose another name.")
    curated = _publishable(settings, lakehouse)
    cut_again(lakehouse, run_id=f"of the release {name}", memory_mb=settings.memory)
    with evidence_of(settings, lakehouse, consistent_read=nullcontext()) as audited:
        verdicts = []
        for audit in AUDITS:
            tell(f"Auditing {audit.name}")
            verdicts.append(judge(audit, audited))
        _refuse_failed(verdicts)
        origin = _origin(settings, lakehouse, audited, curated, note=note, verdicts=verdicts)
    tell("Writing the rows")
    commit, added = _commit(lakehouse, name, curated, settings.split)
    content = contents(added)[name]
    lakehouse.expire(commit.publish().table)
    revisions.record([content.revision(name, reason=CREATED, before=None, origin=json.dumps(asdict(origin)))])
    return release_of(lakehouse, name)


def _refuse_wording(name: str, note: str | None) -> None:
    """Refuse what would stand in every card.

    Raises:
        ReleaseError: the name or the note is not allowed.
    """
    if not re.fullmatch(RELEASE_NAME, name):
        raise ReleaseError(
            "A release is named by up to 64 lower-case letters, digits, dots, dashes and underscores, of which the "
            f"first is a letter or a digit, such as 2026-11 or gait.v2; {name!r} is not."
        )
    if note is not None and (len(note) > _LONGEST_NOTE or "@" in note):
        # Whoever is named in a card cannot be erased from it.
        raise ReleaseError(
            f"The note must have at most {_LONGEST_NOTE:,} characters and no @: it stands in every copy, and is to "
            "name nobody."
        )


def _publishable(settings: Settings, lakehouse: Lakehouse) -> Snapshot:
    """The table as it is, if the gate has let it through under the rules in force.

    Raises:
        ReleaseError: no release may be made of it.
        StediError: it was never published.
    """
    if settings.policy.match != "person":
        raise ReleaseError(
            "Under STEDI_MATCH=timestamp a row may hold the readings of two people, either of whom may withdraw or be "
            "in another part: releases are made under STEDI_MATCH=person only."
        )
    if unfinished(Ledger(lakehouse).erasures()):
        raise ReleaseError("An erasure was interrupted: `stedi run` finishes it, and then a release can be created.")
    curated = lakehouse.read(_CURATED, MachineLearningCurated)
    if curated is None:
        raise StediError(f"{_CURATED} has not been published yet: run `stedi run`.")
    if not curated.rows:
        raise ReleaseError(f"{_CURATED} is empty: there is nothing to make a release of.")
    if curated.summary.policy != settings.policy.model_dump():
        raise ReleaseError(f"{_CURATED} was made by other rules than those in force now: run `stedi run` first.")
    found = _gate(curated.table)
    if not found:
        raise ReleaseError(
            f"{_CURATED} is not what the gate let through: rows were deleted from it since. Run `stedi run` first."
        )
    if failed := [name for name, outcome in found.items() if not outcome["passed"]]:
        raise ReleaseError(
            f"Checks of {_CURATED} did not pass: {', '.join(failed)}. `stedi run` tells what they found."
        )
    return curated


def _gate(table: Table | None) -> dict[str, dict[str, Any]]:
    """What each check before publishing found of a table's current snapshot; nothing where it was not checked."""
    record = AuditRecord.of(table) if table else None
    return {outcome["check"]: outcome for outcome in record.outcomes} if record else {}


def _on_evidence(settings: Settings, lakehouse: Lakehouse) -> tuple[int | None, float | None]:
    """How many rows of step_trainer_trusted rest on evidence, and at most how many percent of these are mistaken.

    Raises:
        ReleaseError: that is not known of the rows that there are now.
    """
    if settings.policy.serials == "unique":
        return None, None
    found = _gate(lakehouse.table(_STEPS)).get(evidence.CHECK)
    if found is None:
        raise ReleaseError(f"How good the evidence in {_STEPS} is, is not known as it is now: run `stedi run` first.")
    rows, bound = found["counts"][evidence.ROWS], found["counts"].get(evidence.BOUND)
    return rows, None if bound is None else 100 * bound / _MILLION


def _refuse_failed(verdicts: Sequence[Verdict]) -> None:
    """Refuse where a standing audit did not pass.

    Raises:
        ReleaseError: one did not, and what it found.
    """
    # Copies of earlier releases that are out of date say nothing against a new one.
    bad = [verdict for verdict in verdicts if not verdict.passed and verdict.audit is not EXPORTS]
    if bad:
        told = "; ".join(f"{verdict.audit.name}: {_said(verdict)}" for verdict in bad)
        raise ReleaseError(
            f"No release is created while a standing audit does not pass. {told}. `stedi audit` tells more."
        )


def _said(verdict: Verdict) -> str:
    if verdict.error is not None:
        return verdict.error.rstrip(".")
    return ", ".join(f"{finding.table}, {counted(finding.rows, finding.problem)}" for finding in verdict.findings)


def _commit(lakehouse: Lakehouse, name: str, curated: Snapshot, shares: Shares) -> tuple[Commit, DataFiles]:
    """The commit that adds the rows of a release, and the files with these."""
    before = lakehouse.read(ROWS, MlRelease)
    placed = _placed(before, curated, shares)
    table = lakehouse.ensure_table(ROWS, MlRelease)
    staged = lakehouse.stage(table, MlRelease)
    for part in PARTS:
        people = pa.array([participant for participant, place in placed.items() if place == part], pa.string())
        staged.write_batches(_rows_of(curated, name, part, people))
    files = staged.files()
    summary = SnapshotSummary(inputs=f"release {name}", upstream={_CURATED: curated.rows_since})
    if before is None:
        return lakehouse.prepare(table, files, summary), files
    # Of what is older, the numbers of rows deleted since are told by the revisions.
    return lakehouse.amend(table, files, summary, stays=before.files), files


def _placed(before: Snapshot | None, curated: Snapshot, shares: Shares) -> dict[str, Part]:
    """Which part everybody is in: whoever is in a release already stays where they are, whatever the shares are now."""
    known: dict[str, Part] = {}
    if before is not None:
        for batch in before.files.batches(["participantId", "part"]):
            pairs = pa.table(batch).group_by(batch.schema.names).aggregate([])
            known |= dict(zip(pairs["participantId"].to_pylist(), pairs["part"].to_pylist(), strict=True))
    people: set[str] = set()
    for batch in curated.files.batches(["participantId"]):
        people.update(pc.unique(batch["participantId"]).to_pylist())
    return {participant: known.get(participant) or part_of(participant, shares) for participant in people}


def _rows_of(curated: Snapshot, name: str, part: Part, people: pa.Array) -> Iterator[pa.RecordBatch]:
    names, schema = MachineLearningCurated.names(), arrow_schema(MlRelease)
    for batch in curated.files.batches(names):
        rows = batch.filter(pc.is_in(batch["participantId"], value_set=people))
        if rows.num_rows:
            said = [pa.repeat(pa.scalar(value), rows.num_rows) for value in (name, part)]
            yield pa.RecordBatch.from_arrays([*rows.columns, *said], names=[*names, "release", "part"]).cast(schema)


def _origin(
    settings: Settings,
    lakehouse: Lakehouse,
    audited: Evidence,
    curated: Snapshot,
    *,
    note: str | None,
    verdicts: Sequence[Verdict],
) -> Origin:
    summary = curated.summary
    readings, most_active = _activity(curated)
    on_evidence, false_at_most = _on_evidence(settings, lakehouse)
    return Origin(
        snapshot_id=str(curated.snapshot_id),
        snapshot_ms=curated.made_ms,
        lakehouse=lakehouse.identity.lakehouse,
        policy=settings.policy.model_dump(),
        shares=settings.split,
        note=note,
        version=version("stedi-dagster"),
        code_version=summary.code_version,
        funnel=funnel_of(audited),
        steps=summary.rows_in or 0,
        withheld=summary.withheld or {},
        audits=tuple(
            AuditOutcome(found.name, found.question, found.state, found.problems)
            for found in map(audit_facts, verdicts)
        ),
        gate={check: outcome["summary"] for check, outcome in _gate(curated.table).items()},
        readings=readings,
        most_active=most_active,
        ages=_ages(audited),
        on_evidence=on_evidence,
        false_at_most=false_at_most,
    )


def _activity(curated: Snapshot) -> tuple[tuple[int, int, int] | None, float | None]:
    """The readings of a participant, and the share of the most active tenth; nothing of very few."""
    counts: Counter[str] = Counter()
    for batch in curated.files.batches(["participantId"]):
        for found in pc.value_counts(batch["participantId"]).to_pylist():
            counts[found["values"]] += found["counts"]
    rows = sorted(counts.values())
    if len(rows) < _FEWEST:
        return None, None
    tenths = tuple(rows[len(rows) * tenth // 10] for tenth in (1, 5, 9))
    most = rows[-(len(rows) // 10) :]
    return (tenths[0], tenths[1], tenths[2]), round(100 * sum(most) / sum(rows), 1)


def _ages(audited: Evidence) -> tuple[AgeBand, ...]:
    return tuple(
        AgeBand(name.partition(" ")[2], None if people < _FEWEST else people // _FEWEST * _FEWEST)
        for name, people in audited.ask(EXPLORE / "participant_ages.sql")
    )
