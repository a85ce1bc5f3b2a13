"""Rows that are missing, and rows too many."""

from stedi_dagster_tests.sql.violations.rows import (
    AS_OF,
    AS_OF_ACCELEROMETER,
    BY_TIME,
    CUSTOMERS,
    MISSING,
    PAIRS,
    PEOPLE,
    READINGS,
    STEPS,
    TOO_MANY,
    Violations,
    person,
    stepped,
    worn,
)
from stedi_dagster_tests.sql.worlds import ANN, CID, EARLY, LATE, adding, twice, with_values, without

OF_RECONCILIATION: Violations = {
    "lost customers": (
        "reconciliation",
        {CUSTOMERS: without(email=CID), PEOPLE: without(email=ANN), READINGS: adding(), PAIRS: adding()},
        {},
        # What is made of a customer who is lost is too many.
        [
            (READINGS, TOO_MANY, 2),
            (CUSTOMERS, MISSING, 1),
            (PEOPLE, MISSING, 1),
            (PEOPLE, TOO_MANY, 1),
            (PAIRS, TOO_MANY, 4),
            (STEPS, TOO_MANY, 2),
        ],
    ),
    "lost readings, steps and pairs": (
        "reconciliation",
        {
            READINGS: without(user=ANN, timestamp=LATE),
            STEPS: without(serialNumber=f"serial-of-{CID}"),
            PAIRS: without(sensorReadingTime=EARLY),
        },
        {},
        [(READINGS, MISSING, 1), (PAIRS, MISSING, 7), (STEPS, MISSING, 2)],
    ),
    "rows from nowhere": (
        "reconciliation",
        {
            CUSTOMERS: adding(person("x@y.z")),
            PEOPLE: adding(person("x@y.z")),
            READINGS: adding(worn(ANN, LATE + 1)),
            STEPS: adding(stepped("ida-1", LATE + 1), stepped("shared", LATE)),
            PAIRS: twice(sensorReadingTime=EARLY),
        },
        {},
        [
            (READINGS, TOO_MANY, 1),
            (CUSTOMERS, TOO_MANY, 1),
            (PEOPLE, TOO_MANY, 1),
            (PAIRS, TOO_MANY, 7),
            (STEPS, TOO_MANY, 2),
        ],
    ),
    "one row for another": (
        "reconciliation",
        {READINGS: with_values({"x": 9.5}, user=ANN, timestamp=LATE)},
        {},
        [(READINGS, MISSING, 1), (READINGS, TOO_MANY, 1)],
    ),
    # Hal is 221 until the day after; Leo's age is unknown.
    "the old where only the young may be": ("reconciliation", {}, {"max_age": 220}, [(CUSTOMERS, TOO_MANY, 2)]),
    "the old on the eve of their birthday": ("reconciliation", {}, {"max_age": 221}, [(CUSTOMERS, TOO_MANY, 1)]),
    "one who may be as old, of whom either record may count": (
        "reconciliation",
        {"customer_landing": adding(person(CID, birthDay="1800-06-19", birthDayValid=True))},
        {"max_age": 220},
        [(CUSTOMERS, TOO_MANY, 2)],
    ),
    "one whose birthday is no date": (
        "reconciliation",
        {"customer_landing": with_values({"birthDay": "1970-1-1", "birthDayValid": False}, email=CID)},
        {"max_age": 220},
        [(CUSTOMERS, TOO_MANY, 3)],
    ),
    "a lost customer where only the young may be": (
        "reconciliation",
        {CUSTOMERS: without(email=ANN)},
        {"max_age": 220},
        [
            (READINGS, TOO_MANY, 2),
            (CUSTOMERS, MISSING, 1),
            (CUSTOMERS, TOO_MANY, 2),
            (PEOPLE, TOO_MANY, 1),
            (PAIRS, TOO_MANY, 2),
        ],
    ),
    "early ones under as_of": (
        "reconciliation",
        {},
        AS_OF,
        [(READINGS, TOO_MANY, 1), (PAIRS, TOO_MANY, 1), (STEPS, TOO_MANY, 1)],
    ),
    "early ones under as_of_accelerometer": (
        "reconciliation",
        {},
        AS_OF_ACCELEROMETER,
        [(READINGS, TOO_MANY, 1), (PAIRS, TOO_MANY, 1)],
    ),
    "pairs of the same time only": (
        "reconciliation",
        {},
        BY_TIME,
        [(PAIRS, MISSING, 14 * 9 - 14)],
    ),
}
