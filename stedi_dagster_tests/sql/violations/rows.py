"""Rows to plant, the words in which they are found, and what a violation is."""

from typing import Any

from stedi_dagster_tests.scenario import customer
from stedi_dagster_tests.sql.worlds import EARLY, Change, Row

Found = list[tuple[str, str, int]]
# What is planted: the question that finds it, the changes by table, the rules to ask under, and what is found.
Violations = dict[str, tuple[str, dict[str, Change], dict[str, Any], Found]]

CUSTOMERS, PEOPLE = "customer_trusted", "customers_curated"
READINGS, STEPS, PAIRS = "accelerometer_trusted", "step_trainer_trusted", "machine_learning_curated"
NUMBERS = "participants"
REFUSED = "rows of people who do not agree to research"
TOO_EARLY = "rows from before the person agreed"
FOREIGN_READING = "rows with an accelerometer reading of somebody else"
FOREIGN_STEP = "rows with a step reading of somebody else"
SEVERAL = "rows too many of a person"
COPIES = "rows that are there several times"
AMBIGUOUS = "rows of a serial number that several people carry"
MISSING, TOO_MANY = "rows that are missing", "rows too many"
AS_OF, AS_OF_ACCELEROMETER = {"consent": "as_of"}, {"consent": "as_of_accelerometer"}
BY_TIME = {"match": "timestamp"}
STRANGER = "00000000-0000-4000-8000-000000000000"


def person(email: str, serial: str | None = None, **more: Any) -> Row:
    record = customer(email, serial=serial or f"serial-of-{email}", **more)
    return {name: record.get(name) for name in (*record, "shareWithResearchAsOfDate")}


def worn(user: str, at: int = EARLY, x: float = 1.0) -> Row:
    return {"user": user, "timestamp": at, "x": x, "y": 1.0, "z": -1.0}


def stepped(serial: str, at: int = EARLY, distance: int = 201) -> Row:
    return {"serialNumber": serial, "sensorReadingTime": at, "distanceFromObject": distance}


def paired(number: str, at: int = EARLY, distance: int = 200, x: float = 0.0) -> Row:
    steps = {"sensorReadingTime": at, "distanceFromObject": distance}
    return {"participantId": number, **steps, "x": x, "y": 1.0, "z": -1.0}


def unreadable(people: str | None, devices: str | None = None, moment: int | None = None) -> Row:
    where = {"file": "f", "line": 1, "position": 0, "reason": "not JSON", "raw": "{"}
    return {**where, "people": people, "devices": devices, "moment": moment}


OF_ANN = paired("{ann}")
EXPECTED_OF_ANN = [(PEOPLE, 1), (CUSTOMERS, 1), (READINGS, 2), (PAIRS, 2), (STEPS, 2)]
WITHDRAWN: Found = [(table, REFUSED, rows) for table, rows in sorted(EXPECTED_OF_ANN)]


def named(change: Change, numbers: dict[str, str]) -> Change:
    """The change with the numbers of {ann} and {dan}, which are drawn anew for every world."""
    of = {f"{{{email.partition('@')[0]}}}": number for email, number in numbers.items()}

    def applied(there: list[Row]) -> list[Row]:
        unnamed = {number: name for name, number in of.items()}
        swapped = [{name: unnamed.get(value, value) for name, value in row.items()} for row in there]
        return [{name: of.get(value, value) for name, value in row.items()} for row in change(swapped)]

    return applied
