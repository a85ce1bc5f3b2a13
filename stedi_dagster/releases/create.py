"""Creating a release: machine_learning_curated as it is now, split by participant, where every audit passes."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.audits.gate import evidence
from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.contracts import MachineLearningCurated, MlRelease, StepTrainerTrusted
from stedi_dagster.contracts.releases import RELEASE_NAME
from stedi_dagster.errors import ReleaseError
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import CREATED, ROWS, Revisions, contents
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.releases.facts import AgeBand, AuditOutcome, Origin, Release
from stedi_dagster.releases.fit import Fit, fit, outcomes_of
from stedi_dagster.releases.read import release_of, releases_of
from stedi_dagster.report.gather import audit_facts, funnel_of
from stedi_dagster.settings import Settings
from stedi_dagster.split import PARTS, Part, part_of
from stedi_dagster.sql.library import EXPLORE
from stedi_dagster.wording import has_address

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
    others = releases_of(lakehouse)
    if name in {release.name for release in others}:
        raise ReleaseError(f"There is a release {name} already: releases stay as they are. Choose another name.")
    if others and (shares := others[0].origin.shares) != settings.split:
        # By other shares, people who were trained on would be tested with.
        raise ReleaseError(
            f"The releases that there are have the parts {shares}, and nobody changes parts: set STEDI_SPLIT={shares}."
        )
    with fit(settings, lakehouse, doing=f"of the release {name}", tell=tell) as found:
        if not found.curated.rows:
            raise ReleaseError(f"{_CURATED} is empty: there is nothing to make a release of.")
        rows = _rows_by_participant(found.curated)
        origin = _origin(settings, lakehouse, found, rows, note=note)
    tell("Writing the rows")
    placed = {participant: part_of(participant, settings.split) for participant in rows}
    commit, added = _commit(lakehouse, name, found.curated, placed)
    content = contents(added)[name]
    lakehouse.expire(commit.publish().table)
    Revisions(lakehouse).record(
        [content.revision(name, reason=CREATED, before=None, origin=json.dumps(asdict(origin)))]
    )
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
    if note is not None and (len(note) > _LONGEST_NOTE or has_address(note)):
        # Whoever is named in a card cannot be erased from it.
        raise ReleaseError(
            f"The note must have at most {_LONGEST_NOTE:,} characters and no @: it stands in every copy, and is to "
            "name nobody."
        )


def _on_evidence(settings: Settings, lakehouse: Lakehouse) -> tuple[int | None, float | None]:
    """How many rows of step_trainer_trusted rest on evidence, and at most how many percent of these are mistaken.

    Raises:
        ReleaseError: that is not known of the rows that there are now.
    """
    if settings.policy.serials == "unique":
        return None, None
    found = outcomes_of(lakehouse.table(_STEPS)).get(evidence.CHECK)
    if found is None:
        raise ReleaseError(f"How good the evidence in {_STEPS} is, is not known as it is now: run `stedi run` first.")
    rows, bound = found["counts"][evidence.ROWS], found["counts"].get(evidence.BOUND)
    return rows, None if bound is None else 100 * bound / _MILLION


def _commit(lakehouse: Lakehouse, name: str, curated: Snapshot, placed: Mapping[str, Part]) -> tuple[Commit, DataFiles]:
    """The commit that adds the rows of a release, and the files with these."""
    before = lakehouse.read(ROWS, MlRelease)
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


def _rows_by_participant(curated: Snapshot) -> Counter[str]:
    counts: Counter[str] = Counter()
    for batch in curated.files.batches(["participantId"]):
        for found in pc.value_counts(batch["participantId"]).to_pylist():
            counts[found["values"]] += found["counts"]
    return counts


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
    found: Fit,
    rows: Mapping[str, int],
    *,
    note: str | None,
) -> Origin:
    curated, summary = found.curated, found.curated.summary
    readings, most_active = _activity(rows.values())
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
        funnel=funnel_of(found.audited),
        steps=summary.rows_in or 0,
        withheld=summary.withheld or {},
        audits=tuple(
            AuditOutcome(audit.name, audit.question, audit.state, audit.problems)
            for audit in map(audit_facts, found.verdicts)
        ),
        gate={check: outcome["summary"] for check, outcome in outcomes_of(curated.table).items()},
        readings=readings,
        most_active=most_active,
        ages=_ages(found.audited),
        on_evidence=on_evidence,
        false_at_most=false_at_most,
    )


def _activity(counts: Iterable[int]) -> tuple[tuple[int, int, int] | None, float | None]:
    """The readings of a participant, and the share of the most active tenth; nothing of very few."""
    rows = sorted(counts)
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
