"""Rows that lead nowhere."""

from stedi_dagster_tests.scenario import T0
from stedi_dagster_tests.sql.violations.rows import (
    CUSTOMERS,
    OF_ANN,
    PAIRS,
    PEOPLE,
    READINGS,
    STEPS,
    STRANGER,
    Violations,
    paired,
    person,
    stepped,
    worn,
)
from stedi_dagster_tests.sql.worlds import ANN, CID, EARLY, adding, with_values

OF_REFERENCES: Violations = {
    "a customer of another trainer": (
        "references",
        {CUSTOMERS: with_values({"serialNumber": "ida-1"}, email=CID)},
        {},
        [(CUSTOMERS, "rows that no deciding landed record has", 1), (PEOPLE, "rows that customer_trusted has not", 1)],
    ),
    "a curated customer of another's trainer": (
        "references",
        {PEOPLE: with_values({"serialNumber": f"serial-of-{ANN}"}, email=CID)},
        {},
        [
            (PEOPLE, "rows that customer_trusted has not", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 2),
            (STEPS, "rows of nobody in customers_curated", 2),
        ],
    ),
    "a customer of an old trainer": (
        "references",
        {
            "customer_landing": adding(person(CID, "old", lastUpdateDate=T0 - 1)),
            CUSTOMERS: with_values({"serialNumber": "old"}, email=CID),
            PEOPLE: with_values({"serialNumber": "old"}, email=CID),
        },
        {},
        [
            (CUSTOMERS, "rows that no deciding landed record has", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 2),
            (STEPS, "rows of nobody in customers_curated", 2),
        ],
    ),
    "a customer who agreed at another time": (
        "references",
        {CUSTOMERS: with_values({"shareWithResearchAsOfDate": T0 + 1}, email=CID)},
        {},
        [(CUSTOMERS, "rows that no deciding landed record has", 1)],
    ),
    "a reading of nobody": (
        "references",
        {READINGS: adding(worn("x@y.z"))},
        {},
        [(READINGS, "rows of nobody in customer_trusted", 1)],
    ),
    "a curated customer of nobody": (
        "references",
        {PEOPLE: adding(person("x@y.z"))},
        {},
        [
            (PEOPLE, "people without a participantId", 1),
            (PEOPLE, "people without a reading in accelerometer_trusted", 1),
            (PEOPLE, "rows that customer_trusted has not", 1),
        ],
    ),
    "a step of nobody": (
        "references",
        {STEPS: adding(stepped("unknown"))},
        {},
        [(STEPS, "rows of nobody in customers_curated", 1)],
    ),
    "a number of nobody": (
        "references",
        {PAIRS: adding(paired(STRANGER))},
        {},
        [
            (PAIRS, "rows of a participantId that was not given", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 1),
        ],
    ),
    "a pair of a step that is not there": (
        "references",
        {PAIRS: adding(OF_ANN | {"distanceFromObject": 202})},
        {},
        [(PAIRS, "rows without their step reading in step_trainer_trusted", 1)],
    ),
    "pairs of a reading that is not there": (
        "references",
        {PAIRS: adding(*(OF_ANN | {name: 99.0} for name in "xyz"))},
        {},
        [(PAIRS, "rows without their reading in accelerometer_trusted", 3)],
    ),
    "a pair of a time at which nothing is": (
        "references",
        {PAIRS: adding(OF_ANN | {"sensorReadingTime": EARLY + 1})},
        {},
        [
            (PAIRS, "rows without their reading in accelerometer_trusted", 1),
            (PAIRS, "rows without their step reading in step_trainer_trusted", 1),
        ],
    ),
}
