"""Whose a row is, is read from its contract: every column that identifies somebody counts, in every table."""

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest

from stedi_dagster.contracts import (
    CONTRACTS,
    AccelerometerLanding,
    Contract,
    Erasures,
    ReleaseExports,
    ReleaseRevisions,
)
from stedi_dagster.contracts.base import column, epoch_ms
from stedi_dagster.contracts.columns import Column
from stedi_dagster.erasure.delete_rows import count, delete_rows, nothing
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.ledger import Erasure, Trace
from stedi_dagster.erasure.remainder import remaining_rows
from stedi_dagster.lakehouse import data_files
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster_tests.erasure.raw import BY
from stedi_dagster_tests.scenario import T0

HERS = {"person": "zoe@example.com", "device": "0xfeedbeef", "participant": "11111111-1111-1111-1111-111111111111"}
OTHERS = {"person": "bob@example.com", "device": "serial-of-bob", "participant": "22222222-2222-2222-2222-222222222222"}
TRACES = {
    Trace.of(what, HERS[kind], BY)
    for what, kind in (("email", "person"), ("serialNumber", "device"), ("participantId", "participant"))
}
ERASING = ErasureFilter.of(Erasure("one", frozenset(TRACES), BY.key_id, T0, T0), BY)
IDENTIFYING = [
    pytest.param(name, contract, spec, id=f"{name}.{spec.name}")
    for name, contract in CONTRACTS.items()
    for spec in (*contract.identifying(), *contract.texts())
]
_PLAIN = {T.StringType: "text", T.LongType: T0, T.DoubleType: 1.5, T.BooleanType: True}


class Sessions(Contract):
    """Training sessions: whose device it was, and who coached."""

    serial: T.StringType = column("Serial number", nullable=True, personal="yes", identifies="device")
    coach: T.StringType = column("Address of the coach", nullable=True, personal="yes", identifies="person")
    guest: T.StringType = column("Address of a guest", nullable=True, personal="yes", identifies="person")
    note: T.StringType = column("What the coach wrote", nullable=True, personal="yes", holds="text")
    taken: T.LongType = epoch_ms("When it was", event_time=True)


class Weather(Contract):
    """What the weather was; nobody's."""

    taken: T.LongType = epoch_ms("When it was", event_time=True)
    degrees: T.DoubleType = column("Temperature", unit="degrees Celsius")


def row(contract: type[Contract], values: dict[str, str]) -> dict[str, Any]:
    """A row in which only these columns of those that identify somebody are filled."""
    blank = {
        spec.name: None if spec.identifies or spec.nullable else _PLAIN[type(spec.type)] for spec in contract.columns()
    }
    return {**blank, **values}


def hers(spec: Column) -> str:
    """A value of a column that is hers."""
    if spec.identifies is None:
        return f'called: "{HERS["person"]}"'
    return f"{OTHERS[spec.identifies]}\n{HERS[spec.identifies]}" if spec.holds == "lines" else HERS[spec.identifies]


def batch(contract: type[Contract], *rows: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=arrow_schema(contract))


def going(contract: type[Contract], *rows: dict[str, Any], erasing: ErasureFilter = ERASING) -> list[bool]:
    """Which rows go."""
    mask: list[bool] = erasing.mask(batch(contract, *rows), contract).to_pylist()
    return mask


def others_row(contract: type[Contract]) -> dict[str, Any]:
    """A row that is somebody else's by every column."""
    values = {spec.name: OTHERS[spec.identifies] for spec in contract.identifying() if spec.identifies}
    return row(contract, values | {spec.name: f"called: {OTHERS['person']}" for spec in contract.texts()})


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    return Lakehouse(tmp_path / "home", str(tmp_path / "home" / "warehouse"))


@pytest.mark.parametrize(("name", "contract", "spec"), IDENTIFYING)
def test_each_column_that_identifies_somebody_suffices_to_find_and_delete_a_row(lakehouse, name, contract, spec):
    bobs, zoes = others_row(contract), row(contract, {spec.name: hers(spec)})
    lakehouse.ensure_table(name, contract).append(pa.Table.from_batches([batch(contract, bobs, zoes)]))
    mask, columns = partial(ERASING.mask, contract=contract), ERASING.columns(contract)
    left = partial(remaining_rows, erasing=ERASING)
    assert delete_rows(lakehouse, name, contract, columns, mask, left, inputs="test") == 1
    rows = lakehouse.ensure_table(name, contract).scan().to_arrow().to_pylist()
    assert bobs in rows
    assert [each for each in rows if HERS["person"] in str(each) or HERS["device"] in str(each)] == []


def test_every_contract_but_the_ledgers_is_looked_into():
    # What is recorded of releases is numbers, and teams that have copies.
    nobodys = {contract.table() for contract in (Erasures, ReleaseRevisions, ReleaseExports)}
    assert {name for name, contract in CONTRACTS.items() if not ERASING.columns(contract)} == nobodys


def test_a_table_whose_rows_are_nobodys_loses_none_and_stops_nothing(lakehouse):
    weather = row(Weather, {})
    assert ERASING.columns(Weather) == []
    assert going(Weather, weather, weather) == [False, False]
    lakehouse.ensure_table("weather", Weather).append(pa.Table.from_batches([batch(Weather, weather)]))
    files = lakehouse.read("weather", Weather).files
    assert count(files, [], partial(ERASING.mask, contract=Weather)) == 0


def test_a_second_column_with_addresses_is_examined_beside_a_serial_number():
    zoe, bob = HERS["person"], OTHERS["person"]
    rows = [
        row(Sessions, {"serial": OTHERS["device"], "coach": zoe}),
        row(Sessions, {"serial": OTHERS["device"], "guest": zoe}),
        row(Sessions, {"coach": bob, "guest": zoe.upper()}),
        row(Sessions, {"coach": bob, "note": f"brought {zoe}"}),
        row(Sessions, {"coach": bob, "guest": "cid@example.com"}),
    ]
    assert going(Sessions, *rows) == [True, True, True, True, False]


def test_a_file_from_before_the_contract_had_a_column_is_examined_by_the_others(lakehouse):
    rows = [row(Sessions, {"coach": HERS["person"]}), row(Sessions, {"coach": OTHERS["person"]})]
    older = batch(Sessions, *rows).select(["coach", "taken"])
    lakehouse.ensure_table("sessions", Sessions).append(pa.Table.from_batches([older]))
    mask, columns = partial(ERASING.mask, contract=Sessions), ERASING.columns(Sessions)
    left = partial(remaining_rows, erasing=ERASING)
    assert delete_rows(lakehouse, "sessions", Sessions, columns, mask, left, inputs="test") == 1
    assert lakehouse.ensure_table("sessions", Sessions).scan().to_arrow().to_pylist() == rows[1:]


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_rows_go_wherever_they_are_in_a_file_and_however_many_are_read_at_once(lakehouse, monkeypatch, at_once):
    monkeypatch.setattr(data_files, "ROWS_AT_ONCE", at_once)
    theirs = [[0, 4, 6], [], [5]]
    rows = [
        [
            row(Sessions, {"coach": HERS["person"] if at in going_there else OTHERS["person"], "note": f"{file}, {at}"})
            for at in range(7)
        ]
        for file, going_there in enumerate(theirs)
    ]
    table = lakehouse.ensure_table("sessions", Sessions)
    for of_one_file in rows:
        table.append(pa.Table.from_batches([batch(Sessions, *of_one_file)]))
    mask, columns = partial(ERASING.mask, contract=Sessions), ERASING.columns(Sessions)
    before = set(lakehouse.read("sessions", Sessions).files.paths)
    assert delete_rows(lakehouse, "sessions", Sessions, columns, mask, nothing, inputs="test") == sum(map(len, theirs))
    after = lakehouse.read("sessions", Sessions)
    assert len(before & set(after.files.paths)) == theirs.count([])
    kept = [one for of_one_file in rows for one in of_one_file if one["coach"] != HERS["person"]]
    assert sorted(after.files.column("note")) == [one["note"] for one in kept]


def test_a_device_tells_whose_a_row_is_only_where_the_row_names_nobody():
    rows = [
        row(Sessions, {"serial": HERS["device"]}),
        row(Sessions, {"serial": HERS["device"], "coach": OTHERS["person"]}),
        row(Sessions, {"serial": OTHERS["device"]}),
        row(Sessions, {}),
    ]
    assert going(Sessions, *rows) == [True, False, False, False]


def test_what_somebody_sends_after_an_erasure_stays_by_the_event_time_of_the_contract():
    erased = ErasureFilter.erased([Erasure("one", frozenset(TRACES), BY.key_id, T0, T0, T0)], BY)
    for contract, values in ((Sessions, {"guest": HERS["person"]}), (AccelerometerLanding, {"user": HERS["person"]})):
        event_time = contract.event_time() or ""
        rows = [row(contract, values) | {event_time: at} for at in (T0, T0 + 1)]
        assert going(contract, *rows, erasing=erased) == [True, False]
