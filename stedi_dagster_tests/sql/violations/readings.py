"""Readings of somebody else, and readings twice."""

from stedi_dagster_tests.sql.violations.rows import (
    BY_TIME,
    COPIES,
    FOREIGN_READING,
    FOREIGN_STEP,
    OF_ANN,
    PAIRS,
    READINGS,
    STEPS,
    STRANGER,
    Violations,
    paired,
    stepped,
    worn,
)
from stedi_dagster_tests.sql.worlds import ANN, EARLY, adding, twice

OF_READINGS: Violations = {
    "another's reading": ("same_person", {PAIRS: adding(OF_ANN | {"x": 2.0})}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's y": ("same_person", {PAIRS: adding(OF_ANN | {"y": 2.0})}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's z": ("same_person", {PAIRS: adding(OF_ANN | {"z": 2.0})}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's equal reading": ("same_person", {PAIRS: adding(OF_ANN)}, {}, [(PAIRS, FOREIGN_READING, 1)]),
    "another's reading, asked for": ("same_person", {PAIRS: adding(OF_ANN | {"x": 2.0})}, BY_TIME, []),
    "another's step": (
        "same_person",
        {PAIRS: adding(OF_ANN | {"distanceFromObject": 202})},
        BY_TIME,
        [(PAIRS, FOREIGN_STEP, 1)],
    ),
    "steps and readings of another time": (
        "same_person",
        {PAIRS: adding(OF_ANN | {"sensorReadingTime": EARLY + 1})},
        {},
        [(PAIRS, FOREIGN_STEP, 1), (PAIRS, FOREIGN_READING, 1)],
    ),
    "a pair whose person is unknown": (
        "same_person",
        {PAIRS: adding(paired(STRANGER), paired(STRANGER))},
        {},
        [(PAIRS, FOREIGN_STEP, 2), (PAIRS, FOREIGN_READING, 2)],
    ),
    "a step of a trainer that may be another's": (
        "same_person",
        {PAIRS: adding(paired("{dan}", distance=212, x=3.0))},
        {},
        [(PAIRS, FOREIGN_STEP, 1)],
    ),
    "a reading twice": ("duplicates", {READINGS: twice(user=ANN)}, {}, [(READINGS, COPIES, 2)]),
    "a reading twice, written otherwise": (
        "duplicates",
        {READINGS: adding(worn(ANN.upper(), x=0.0))},
        {},
        [(READINGS, COPIES, 1)],
    ),
    "a step twice": ("duplicates", {STEPS: twice(distanceFromObject=200)}, {}, [(STEPS, COPIES, 2)]),
    "a step twice, written otherwise": (
        "duplicates",
        {STEPS: adding(stepped(f"SERIAL-OF-{ANN} ", distance=200))},
        {},
        [(STEPS, COPIES, 1)],
    ),
    "a pair twice": ("duplicates", {PAIRS: adding(OF_ANN)}, {}, [(PAIRS, COPIES, 1)]),
    "a pair twice, asked for": ("duplicates", {PAIRS: adding(OF_ANN)}, BY_TIME, []),
}
