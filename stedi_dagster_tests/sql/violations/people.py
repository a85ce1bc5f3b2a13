"""People twice, people who can be recognised, serial numbers of several people."""

import uuid

from stedi_dagster_tests.sql.violations.rows import (
    AMBIGUOUS,
    CUSTOMERS,
    NUMBERS,
    PAIRS,
    PEOPLE,
    SEVERAL,
    STEPS,
    STRANGER,
    Violations,
    paired,
    person,
    stepped,
    unreadable,
)
from stedi_dagster_tests.sql.worlds import ANN, BOB, IDA_KEY, LATE, adding, with_values

OF_PEOPLE: Violations = {
    "a person twice": (
        "one_row_a_person",
        {CUSTOMERS: adding(person(f" {ANN.upper()}")), PEOPLE: adding(person(IDA_KEY), person(ANN))},
        {},
        [(CUSTOMERS, SEVERAL, 1), (PEOPLE, SEVERAL, 2)],
    ),
    "a participant twice": (
        "one_row_a_person",
        {NUMBERS: adding({"email": ANN, "participantId": STRANGER})},
        {},
        [(NUMBERS, SEVERAL, 1)],
    ),
    "a number twice": (
        "one_row_a_person",
        {NUMBERS: adding({"email": BOB, "participantId": "{ann}"})},
        {},
        [(NUMBERS, "participants with the number of another", 1)],
    ),
    "a step of a shared trainer": (
        "ambiguous_serials",
        {STEPS: adding(stepped("shared"), stepped("shared", LATE))},
        {},
        [(STEPS, AMBIGUOUS, 2)],
    ),
    "a pair of a shared trainer": (
        "ambiguous_serials",
        {PAIRS: adding(paired("{dan}"))},
        {},
        [(PAIRS, AMBIGUOUS, 1)],
    ),
    "a trainer that is shared since": (
        "ambiguous_serials",
        {"customer_landing": adding(person("new@example.com", f"SERIAL-OF-{ANN}", agreed=None))},
        {},
        [(PAIRS, AMBIGUOUS, 2), (STEPS, AMBIGUOUS, 2)],
    ),
    "a trainer that is shared as far as can be read": (
        "ambiguous_serials",
        {"customer_quarantine": adding(unreadable("x@y.z", devices=f"new\nserial-of-{ANN}"))},
        {},
        [(PAIRS, AMBIGUOUS, 2), (STEPS, AMBIGUOUS, 2)],
    ),
    "an address for a number": (
        "personal_data",
        {PAIRS: with_values({"participantId": ANN}, participantId="{ann}")},
        {},
        [
            (PAIRS, "participantIds that are an address or a serial number", 2),
            (PAIRS, "participantIds that are no random number", 2),
        ],
    ),
    "a number that was computed": (
        "personal_data",
        {PAIRS: adding(paired(str(uuid.uuid5(uuid.NAMESPACE_DNS, ANN))))},
        {},
        [(PAIRS, "participantIds that are no random number", 1)],
    ),
    "no number": (
        "personal_data",
        {PAIRS: lambda rows: [*rows, paired("")]},
        {},
        [(PAIRS, "participantIds that are no random number", 1)],
    ),
    "a serial number that looks random": (
        "personal_data",
        {"customer_landing": adding(person("x@y.z", STRANGER)), PAIRS: adding(paired(STRANGER))},
        {},
        [(PAIRS, "participantIds that are an address or a serial number", 1)],
    ),
    "a trainer of nobody that looks random": (
        "personal_data",
        {"step_trainer_landing": adding(stepped(STRANGER.upper())), PAIRS: adding(paired(STRANGER))},
        {},
        [(PAIRS, "participantIds that are an address or a serial number", 1)],
    ),
}
