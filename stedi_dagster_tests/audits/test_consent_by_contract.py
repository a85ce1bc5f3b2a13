"""Of a table that no audit was written for, the gate and the standing audit ask the same, by what its contract says."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest
from pyspark.sql import SparkSession

from stedi_dagster.audits.gate.consent import EARLY, WITHOUT, audit_consent
from stedi_dagster.audits.standing.consent import question_of
from stedi_dagster.contracts import Contract, CustomerLanding, Participants, Quarantine
from stedi_dagster.contracts.base import column, epoch_ms
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.settings import Settings
from stedi_dagster.settings.policy import Consent, Match, Policy
from stedi_dagster.sql.texts import parse, render_for_duckdb
from stedi_dagster_tests.policies.frames import customers, frame, participants
from stedi_dagster_tests.scenario import T0, customer

ANN, EVA, BOB = "ann@example.com", "eva@example.com", "bob@example.com"
LANDED = [
    customer(ANN, serial="of-ann"),
    customer(EVA, serial="of-eva", agreed=T0 + 100),
    customer(BOB, serial="of-bob", agreed=None),
    customer("gil@example.com", serial="shared"),
    customer("hal@example.com", serial="shared"),
]
PEOPLE = (ANN, EVA, BOB)
OK, REFUSED, TOO_EARLY = (0, 0), (1, 0), (0, 1)


class Sessions(Contract):
    """Training sessions; a row may name a coach, a guest, a participant, or only the device."""

    coach: T.StringType = column("Address", nullable=True, personal="yes", identifies="person")
    guest: T.StringType = column("Address", nullable=True, personal="yes", identifies="person")
    trainee: T.StringType = column("participantId", nullable=True, personal="pseudonym", identifies="participant")
    device: T.StringType = column("Serial number", nullable=True, personal="yes", identifies="device")
    taken: T.LongType = epoch_ms("When it was", event_time=True)


class Walks(Contract):
    """Rows that name a device, and may name a person."""

    device: T.StringType = column("Serial number", personal="yes", identifies="device")
    walker: T.StringType = column("Address", nullable=True, personal="yes", identifies="person")
    taken: T.LongType = epoch_ms("When it was", event_time=True)


class Steps(Contract):
    """Rows that name nothing but a device."""

    device: T.StringType = column("Serial number", personal="yes", identifies="device")
    taken: T.LongType = epoch_ms("When it was", event_time=True)


def by_gate(session: SparkSession, contract: type[Contract], row: dict[str, Any], policy: Policy) -> tuple[int, int]:
    """How many rows the gate finds without consent, and from before it."""
    rows, landed = frame(session, contract, [row]), customers(session, *LANDED)
    outcome = audit_consent(rows, contract, landed, policy=policy, participants=participants(session, *PEOPLE))
    assert outcome.passed == (not any(outcome.counts.values()))
    return outcome.counts[WITHOUT], outcome.counts[EARLY]


def by_standing_audit(contract: type[Contract], row: dict[str, Any], policy: Policy, home: Path) -> tuple[int, int]:
    """The same, by the standing audit."""
    known = [{"email": person, "participantId": f"p-{person}"} for person in PEOPLE]
    tables: dict[str, tuple[type[Contract], list[dict[str, Any]]]] = {
        "customer_landing": (CustomerLanding, LANDED),
        "customer_quarantine": (Quarantine, []),
        "participants": (Participants, known),
        contract.table(): (contract, [row]),
    }
    settings = Settings.load(home=home, landing=str(home), consent=policy.consent, match=policy.match)
    with duckdb.connect() as connection:
        for name, (kind, rows) in tables.items():
            connection.from_arrow(pa.Table.from_pylist(rows, schema=arrow_schema(kind))).create(name)
        found = dict(connection.execute(render_for_duckdb(parse(question_of(contract)), settings)).fetchall())
    refused, early = "rows of people who do not agree to research", "rows from before the person agreed"
    assert set(found) <= {refused, early}
    return found.get(refused, 0), found.get(early, 0)


@pytest.mark.parametrize(
    ("contract", "row", "finding"),
    [
        (Sessions, {"coach": ANN}, OK),
        (Sessions, {"coach": f" {ANN.upper()}"}, OK),
        (Sessions, {"coach": BOB}, REFUSED),
        (Sessions, {"guest": BOB, "coach": ANN}, REFUSED),
        (Sessions, {"trainee": f"p-{ANN}"}, OK),
        (Sessions, {"trainee": f"p-{BOB}"}, REFUSED),
        (Sessions, {"trainee": "p-nobody"}, REFUSED),
        (Sessions, {"trainee": f"p-{BOB}", "coach": ANN}, REFUSED),
        (Sessions, {"coach": ANN, "device": "of-bob"}, OK),
        (Sessions, {"device": "of-ann"}, OK),
        (Sessions, {"device": "OF-ANN "}, OK),
        (Sessions, {"device": "of-bob"}, REFUSED),
        (Sessions, {"device": "shared"}, REFUSED),
        (Sessions, {}, REFUSED),
        (Walks, {"device": "of-bob", "walker": ANN}, OK),
        (Walks, {"device": "of-ann", "walker": BOB}, REFUSED),
        (Walks, {"device": "of-ann"}, OK),
        (Walks, {"device": "shared"}, REFUSED),
        (Walks, {}, REFUSED),
        (Steps, {"device": "of-ann"}, OK),
        (Steps, {"device": "of-nobody"}, REFUSED),
    ],
    ids=str,
)
def test_gate_and_standing_audit_judge_a_row_by_whom_its_contract_says_it_names(
    sail: SparkSession, tmp_path: Path, contract: type[Contract], row: dict[str, Any], finding: tuple[int, int]
) -> None:
    row = {"taken": T0} | row
    assert by_gate(sail, contract, row, Policy()) == finding
    assert by_standing_audit(contract, row, Policy(), tmp_path) == finding


@pytest.mark.parametrize(
    ("consent", "match", "early"),
    [
        ("granted", "person", ()),
        ("as_of", "person", ("coach", "trainee", "device")),
        ("as_of", "timestamp", ("coach", "trainee", "device")),
        ("as_of_accelerometer", "person", ("coach", "trainee")),
        ("as_of_accelerometer", "timestamp", ("coach",)),
    ],
)
def test_both_hold_the_event_time_against_the_agreement_where_that_is_the_rule(
    sail: SparkSession, tmp_path: Path, consent: Consent, match: Match, early: tuple[str, ...]
) -> None:
    policy = Policy(consent=consent, match=match)
    for name, value in {"coach": EVA, "trainee": f"p-{EVA}", "device": "of-eva"}.items():
        finding = TOO_EARLY if name in early else OK
        row = {name: value, "taken": T0 + 99}
        assert by_gate(sail, Sessions, row, policy) == finding, name
        assert by_standing_audit(Sessions, row, policy, tmp_path) == finding, name
        assert by_gate(sail, Sessions, row | {"taken": T0 + 100}, policy) == OK
