"""machine_learning_curated: a step reading with the accelerometer readings of its time."""

from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.contracts import AccelerometerTrusted, CustomersCurated, StepTrainerTrusted
from stedi_dagster.policies.readings import NO_COUNTERPART, paired_readings
from stedi_dagster.policies.selection import Selection
from stedi_dagster.settings.policy import Match, Policy
from stedi_dagster_tests.policies.frames import Record, frame, kept, participants, reasons
from stedi_dagster_tests.scenario import T0, customer, reading, step

ANN, BOB = "ann@x", "bob@x"
PAIR = ("participantId", "sensorReadingTime", "distanceFromObject", "x")


def pair(session: SparkSession, stepped: Sequence[Record], worn: Sequence[Record], match: Match) -> Selection:
    """What is paired where Ann and Bob are curated, with the serial numbers `a` and `b`."""
    return paired_readings(
        frame(session, StepTrainerTrusted, stepped),
        frame(session, AccelerometerTrusted, worn),
        frame(session, CustomersCurated, [customer(ANN, serial="a"), customer(BOB, serial="b")]),
        participants(session, ANN, BOB, "gone@x"),
        Policy(match=match),
    )


def of(person: str, at: int, x: float, distance: int = 218) -> tuple[Any, ...]:
    return (f"p-{person}", at, distance, x)


@pytest.mark.parametrize("match", ["person", "timestamp"])
def test_a_step_meets_every_reading_of_its_person_at_its_time(engine: SparkSession, match: Match) -> None:
    worn = [reading(ANN, T0, x=1.0), reading(ANN, T0, x=2.0), reading(ANN, T0 + 1, x=3.0)]
    selection = pair(engine, [step("a", T0)], worn, match)
    assert kept(selection, *PAIR) == [of(ANN, T0, 1.0), of(ANN, T0, 2.0)]
    assert reasons(selection) == {None: 1}


def test_two_people_at_one_time_meet_under_timestamp_only(engine: SparkSession) -> None:
    stepped = [step("a", T0), step("b", T0)]
    worn = [reading(ANN, T0, x=1.0), reading(BOB, T0, x=2.0)]
    own = [of(ANN, T0, 1.0), of(BOB, T0, 2.0)]
    assert kept(pair(engine, stepped, worn, "person"), *PAIR) == own
    crossed = [of(ANN, T0, 2.0), of(BOB, T0, 1.0)]
    assert kept(pair(engine, stepped, worn, "timestamp"), *PAIR) == sorted(own + crossed)


def test_a_step_with_anothers_reading_only_is_withheld_under_person_and_paired_under_timestamp(
    sail: SparkSession,
) -> None:
    stepped, worn = [step("a", T0)], [reading(BOB, T0, x=2.0)]
    assert reasons(pair(sail, stepped, worn, "person")) == {NO_COUNTERPART: 1}
    assert kept(pair(sail, stepped, worn, "person")) == []
    assert kept(pair(sail, stepped, worn, "timestamp"), *PAIR) == [of(ANN, T0, 2.0)]
    assert reasons(pair(sail, stepped, worn, "timestamp")) == {None: 1}


def test_a_millisecond_apart_is_apart(sail: SparkSession) -> None:
    selection = pair(sail, [step("a", T0)], [reading(ANN, T0 - 1), reading(ANN, T0 + 1)], "timestamp")
    assert reasons(selection) == {NO_COUNTERPART: 1}


def test_two_distances_at_one_time_are_two_step_readings(sail: SparkSession) -> None:
    stepped = [step("a", T0, distanceFromObject=distance) for distance in (1, 2)]
    selection = pair(sail, stepped, [reading(ANN, T0, x=1.0)], "person")
    assert kept(selection, *PAIR) == [of(ANN, T0, 1.0, 1), of(ANN, T0, 1.0, 2)]
    assert reasons(selection) == {None: 2}


def test_the_paired_rows_name_nobody(sail: SparkSession) -> None:
    selection = pair(sail, [step("a", T0)], [reading(ANN, T0)], "person")
    assert selection.kept.columns == ["participantId", "sensorReadingTime", "distanceFromObject", "x", "y", "z"]
