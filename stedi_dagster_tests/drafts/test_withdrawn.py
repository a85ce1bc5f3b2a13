"""Whoever no longer agrees is taken out of a table by every column that its contract says identifies somebody."""

from typing import Any

import pyarrow as pa
import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest

from stedi_dagster.contracts import Contract
from stedi_dagster.contracts.base import column
from stedi_dagster.drafts import withdrawn
from stedi_dagster.drafts.run import Run
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.defs.assets.builders import ANN, BOB, CID
from stedi_dagster_tests.scenario import Scenario


class Sessions(Contract):
    """Training sessions; a row may name a coach, a trainee, or only the device."""

    coach: T.StringType = column("Address", nullable=True, personal="yes", identifies="person")
    trainee: T.StringType = column("participantId", nullable=True, personal="pseudonym", identifies="participant")
    device: T.StringType = column("Serial number", nullable=True, personal="yes", identifies="device")


def no_session() -> Any:
    pytest.fail("no engine is needed")


def test_rows_stay_of_whom_everybody_named_agrees_or_else_the_device_is_theirs_alone(
    three_published: Scenario, monkeypatch: pytest.MonkeyPatch
):
    numbers = dict(three_published.query("SELECT email, participantId FROM participants"))
    staying = [
        (ANN, None, None),
        (f" {ANN.upper()}", numbers[CID], None),
        (CID, None, f"serial-of-{BOB}"),
        (None, None, f"serial-of-{ANN}".upper()),
    ]
    going = [
        (BOB, None, None),
        (ANN, "a number of nobody", None),
        (BOB, numbers[ANN], f"serial-of-{ANN}"),
        (None, None, f"serial-of-{BOB}"),
        (None, None, "a device of nobody"),
        (None, None, None),
    ]
    lakehouse = three_published.lakehouse()
    schema = arrow_schema(Sessions)
    rows = [dict(zip(Sessions.names(), row, strict=True)) for row in (*staying, *going)]
    lakehouse.ensure_table("sessions", Sessions).append(pa.Table.from_pylist(rows, schema=schema))
    monkeypatch.setattr(withdrawn, "CONSENTED", {"sessions": Sessions})
    run = Run("one", 0, Policy(), lambda _contract: "code", lakehouse, no_session, max_doubt=1.0)
    with lakehouse.writing("a test", timeout=0, waiting=lambda _holder: None):
        assert withdrawn.delete_withdrawn(run) == len(going)
    assert set(three_published.query("SELECT * FROM sessions")) == set(staying)
