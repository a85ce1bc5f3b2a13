"""A release to describe, by plain constructors: created with three people too many, and cut again twice."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.releases.facts import (
    AgeBand,
    AuditOutcome,
    ExportedFile,
    Origin,
    PartFacts,
    Release,
    Revision,
)
from stedi_dagster.report.facts import Step
from stedi_dagster.settings.policy import Policy
from stedi_dagster.split import PARTS, Part, Shares

CREATED_MS = 1_767_225_600_000  # 2026-01-01
DAY_MS = 24 * 60 * 60 * 1000
COLUMNS = MachineLearningCurated.columns()
LAKEHOUSE = "0f0e0d0c-1111-2222-3333-444444444444"
SNAPSHOT = "8744736658442914487"
# Whatever would be a tag, a table's cell, a heading, a link, a picture or code.
AWKWARD = (
    "<script>alert('x')</script> | **bold** `code` [link](https://example.org) ![picture](x.png) & &amp; \"quoted\"\n"
    "# no heading\n- no list\n1. none, either\n---\n    not code\r\n> nor a quote <b>b</b> \\| a|b\t$x$ {{ 7 * 7 }}\n"
    "é 😀 \x7f"
)

_PEOPLE = (
    Step("customer records", 12_345, ""),
    Step("people", 10_000, "are further records of the same people"),
    Step("who agree to research", 4_000, "do not agree, or no longer do"),
    Step("in customer_trusted", 4_000, "agree and are withheld by another rule"),
    Step("with accelerometer readings", 3_500, "have no accelerometer readings that may be used"),
    Step("with step readings", 3_400, "have no step readings that may be used"),
    Step("in machine_learning_curated", 3_210, "have no step and accelerometer readings of the same time"),
)


def parts_of(*counts: tuple[int, int]) -> dict[Part, PartFacts]:
    """Rows and participants of train, validation and test."""
    return {part: PartFacts(*each) for part, each in zip(PARTS, counts, strict=True)}


def revision(number: int = 1, **changes: Any) -> Revision:
    """The first one, or one that is changed."""
    first = Revision(
        release="steps-2026",
        number=number,
        made_ms=CREATED_MS + (number - 1) * DAY_MS,
        reason="created",
        rows_gone=0,
        participants_gone=0,
        parts=parts_of((700_000, 2_247), (150_100, 481), (149_000, 482)),
        first_ms=CREATED_MS - 30 * DAY_MS,
        last_ms=CREATED_MS - DAY_MS,
    )
    return replace(first, **changes)


def origin(**changes: Any) -> Origin:
    """What it was made of, with changes."""
    made = Origin(
        snapshot_id=SNAPSHOT,
        snapshot_ms=CREATED_MS - 60_000,
        lakehouse=LAKEHOUSE,
        policy=Policy().model_dump(),
        shares=Shares(),
        note="For the detector of spring.",
        version="0.1.0",
        code_version="a1b2c3d4",
        funnel=_PEOPLE,
        steps=1_234_567,
        withheld={"no accelerometer reading of the same time": 235_467},
        audits=(
            AuditOutcome("consent", "Is every row of somebody who agrees to research?", "passed"),
            AuditOutcome(
                "withdrawals",
                "Is nobody there who has withdrawn in a raw file since?",
                "warns",
                (Finding("customer_trusted", "rows of people who have withdrawn", 1_234),),
            ),
        ),
        gate={"contract": "passed", "same_person": "warned: 12 rows"},
        readings=(12, 345, 1_678),
        most_active=31.25,
        ages=(AgeBand("under 18", None), AgeBand("18 to 39", 1_230), AgeBand("40 or more", 1_970)),
        on_evidence=4_321,
        false_at_most=0.75,
    )
    return replace(made, **changes)


def release(*revisions: Revision, name: str = "steps-2026", **changes: Any) -> Release:
    """A release: as it was created, unless revisions are given; the keywords change its origin."""
    return Release(name, origin(**changes), revisions or (revision(),))


def cut_again() -> Release:
    """One that two people have withdrawn from, and one was erased from."""
    second = revision(
        2,
        reason="2 people have withdrawn",
        rows_gone=1_400,
        participants_gone=2,
        parts=parts_of((698_600, 2_245), (150_100, 481), (149_000, 482)),
    )
    third = revision(
        3,
        reason="1 person was erased",
        rows_gone=100,
        participants_gone=1,
        parts=parts_of((698_600, 2_245), (150_000, 480), (149_000, 482)),
    )
    return release(revision(), second, third)


def emptied(**changes: Any) -> Release:
    """One that nothing is left of."""
    gone = revision(
        2,
        reason="everybody has withdrawn",
        rows_gone=999_100,
        participants_gone=3_210,
        parts=parts_of((0, 0), (0, 0), (0, 0)),
        first_ms=None,
        last_ms=None,
    )
    return release(revision(), gone, **changes)


def export(folder: Path, **rows: int) -> tuple[ExportedFile, ...]:
    """Parquet files with so many rows: `train_0=3` is `train/0.parquet`."""
    return tuple(_write(folder, name, count) for name, count in rows.items())


def _write(folder: Path, name: str, count: int) -> ExportedFile:
    number = name.rpartition("_")[2]
    [part] = [part for part in PARTS if name == f"{part}_{number}"]
    at = range(count)
    table = pa.table(
        {
            "participantId": pa.array([f"{part}-of-{number}-{i % 3}" for i in at], pa.string()),
            "sensorReadingTime": pa.array([CREATED_MS + i for i in at], pa.int64()),
            "distanceFromObject": pa.array([200 + i for i in at], pa.int64()),
            # Some that are no short decimal numbers.
            **{name: pa.array([(i + 1) / 7 - offset for i in at], pa.float64()) for offset, name in enumerate("xyz")},
        }
    )
    path = f"{part}/{number}.parquet"
    file = folder / path
    file.parent.mkdir(exist_ok=True)
    pq.write_table(table, file)
    content = file.read_bytes()
    return ExportedFile(path, part, count, len(content), hashlib.sha256(content).hexdigest())
