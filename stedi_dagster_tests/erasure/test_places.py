"""She is planted in every kind of place, found there, and after `stedi forget` nowhere that the platform writes."""

import gzip
import json
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyiceberg.table import Table

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.assets.builders import contents, orphans, tables
from stedi_dagster_tests.erasure.zoe import (
    BOB,
    CID,
    NAME,
    PHONE,
    SERIAL,
    ZOE,
    bytes_of,
    contents_of,
    forget,
    lines,
    numbers,
    raw_records,
    standing,
    stedi,
    verify,
    zoe,
)
from stedi_dagster_tests.scenario import FEEDS, T0, Scenario, customer, reading, step

CAPITALS = f"  {ZOE.upper()}\t"
# Escaped as JSON may escape letters beyond the first 65,536.
OTHERS = [customer(BOB, customerName="\U0001f600 Bob"), customer(CID, agreed=None)]
TIMES = (T0 + 1000, T0 + 2000)
EVERYBODY = (ZOE, BOB, CID)
# What stays of each raw file, in order.
KEPT: dict[str, list[dict[str, Any]]] = {
    "customer/landing/part-1.json": OTHERS,
    "customer/landing/pretty.json": [customer("p@example.com"), customer("q@example.com")],
    "customer/landing/array.json": [customer("r@example.com"), customer("s@example.com")],
    "customer/landing/packed.json.gz": [customer("t@example.com")],
    "customer/landing/windows.json": [customer("u@example.com")],
    "customer/landing/escaped.json": [customer("v@example.com")],
    "customer/landing/capitals.json": [],
    "customer/landing/_old.json": [customer("w@example.com")],
    "accelerometer/landing/part-1.json": [reading(who, at, x=1.5) for who in (BOB, CID) for at in TIMES],
    "step_trainer/landing/part-1.json": [step(f"serial-of-{who}", at) for who in (BOB, CID) for at in TIMES],
}


def land(scenario: Scenario) -> None:
    """The landing zone with her in each kind of file."""
    land_first(scenario)
    kept = KEPT["customer/landing/pretty.json"]
    pretty = "\n".join(json.dumps(record, indent=2) for record in (kept[0], zoe(), kept[1]))
    scenario.land_text("customer", pretty, name="pretty.json")
    kept = KEPT["customer/landing/array.json"]
    scenario.land_text("customer", json.dumps([kept[0], zoe(), kept[1]], indent=1), name="array.json")
    packed = gzip.compress(lines(zoe(), *KEPT["customer/landing/packed.json.gz"]).encode())
    scenario.land_text("customer", packed, name="packed.json.gz")
    windows = "\ufeff" + lines(zoe(), *KEPT["customer/landing/windows.json"]).replace("\n", "\r\n")
    scenario.land_text("customer", windows, name="windows.json")
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in ZOE)
    text = lines(zoe(), *KEPT["customer/landing/escaped.json"]).replace(ZOE, escaped)
    scenario.land_text("customer", text, name="escaped.json")
    scenario.land("customer", zoe(CAPITALS, customerName=NAME.upper()), name="capitals.json")
    scenario.land("customer", zoe(), *KEPT["customer/landing/_old.json"], name="_old.json")
    scenario.land_text("accelerometer", f'{{"user": ["{ZOE}"], "timestamp": 1}}\nnobody', name="unreadable.json")
    scenario.land_text("step_trainer", f"{SERIAL} and no object", name="unreadable.json")


def land_unreadable(scenario: Scenario) -> Path:
    """What cannot be read withholds whoever it names: it is not there when the current snapshots are made."""
    hers = f'{{"email": "{ZOE}", "phone": "{PHONE}'
    text = f"half a line\n{hers}\n{json.dumps(zoe())}\nanother half"
    return scenario.land_text("customer", text, name="unreadable.json")


def land_first(scenario: Scenario) -> None:
    """What the first run finds: it makes the older snapshots."""
    scenario.land("customer", zoe(), *OTHERS)
    scenario.land("accelerometer", *(reading(who, at, x=float(who != ZOE) * 1.5) for who in EVERYBODY for at in TIMES))
    serials = (SERIAL, *(f"serial-of-{who}" for who in (BOB, CID)))
    scenario.land("step_trainer", *(step(serial, at) for serial in serials for at in TIMES))


TABLES_WITH_HER = [*TABLES, *(f"{feed}_quarantine" for feed in FEEDS), "participants"]

Place = Callable[[Scenario], list[Path]]


def _table(scenario: Scenario, name: str) -> Table:
    table = scenario.lakehouse().table(name)
    assert table is not None
    return table


def tag(scenario: Scenario) -> list[Path]:
    table = _table(scenario, "customer_landing")
    first = table.metadata.snapshots[0].snapshot_id
    with table.manage_snapshots() as manage:
        manage.create_tag(first, "audited")
    return _files_of(table, first)


def branch(scenario: Scenario) -> list[Path]:
    table = _table(scenario, "accelerometer_landing")
    first = table.metadata.snapshots[0].snapshot_id
    with table.manage_snapshots() as manage:
        manage.create_branch(first, "trial")
    return _files_of(table, first)


def _files_of(table: Table, snapshot_id: int) -> list[Path]:
    return [Path(task.file.file_path) for task in table.scan(snapshot_id=snapshot_id).plan_files()]


def column_bounds(scenario: Scenario) -> list[Path]:
    """A manifest of a table that was made before bounds were switched off."""
    table = _table(scenario, "customers_curated")
    with table.transaction() as change:
        change.set_properties({"write.metadata.metrics.column.email": "full"})
    rows = table.scan().to_arrow()
    zoes = rows.filter(pa.compute.equal(rows["email"], ZOE))
    table.append(zoes)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return [Path(manifest.manifest_path) for manifest in snapshot.manifests(table.io)][:1]


def orphan_parquet(scenario: Scenario) -> list[Path]:
    path = Path(_table(scenario, "customer_trusted").location()) / "data" / "copy.parquet"
    pq.write_table(pa.table({"who": pa.array([ZOE], pa.large_string())}), path, compression="zstd")
    return [path]


def nested_parquet(scenario: Scenario) -> list[Path]:
    path = Path(_table(scenario, "customer_trusted").location()) / "data" / "nested.parquet"
    pq.write_table(pa.table({"rows": [[{"who": {"address": ZOE}}]]}), path, compression="zstd")
    return [path]


def parquet_description(scenario: Scenario) -> list[Path]:
    path = Path(_table(scenario, "customer_trusted").location()) / "data" / "described.parquet"
    pq.write_table(pa.table({"n": [1]}).replace_schema_metadata({"by": ZOE}), path)
    return [path]


def staging_left_over(scenario: Scenario) -> list[Path]:
    location = _table(scenario, "accelerometer_trusted").location()
    path = Path(location) / "data" / str(uuid.uuid4()) / "engine" / "_temporary" / "part-0.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1" + ZOE.encode())
    return [path]


def orphan_manifest(scenario: Scenario) -> list[Path]:
    source = next(
        path
        for path in (Path(_table(scenario, "customers_curated").location()) / "metadata").glob("*-m*.avro")
        if ZOE.encode() in b"".join(contents_of(path))
    )
    return [Path(shutil.copy(source, source.with_name(f"{uuid.uuid4()}-m0.avro")))]


def unfinished_raw_file(scenario: Scenario) -> list[Path]:
    """A landing file that a killed process was writing anew for somebody else's erasure."""
    return [scenario.land("customer", zoe(), name=f".{uuid.uuid4()}.unfinished")]


PLANTED: dict[str, Place] = {
    place.__name__: place
    for place in (
        tag,
        branch,
        column_bounds,
        orphan_manifest,
        orphan_parquet,
        nested_parquet,
        parquet_description,
        staging_left_over,
        unfinished_raw_file,
    )
}


def compute_log(scenario: Scenario) -> list[Path]:
    path = scenario.home / "dagster" / "storage" / "some-run" / "compute_logs" / "step.err"
    path.parent.mkdir(parents=True)
    path.write_text(f"somebody printed <{ZOE}>\n")
    return [path]


def database(scenario: Scenario) -> list[Path]:
    path = scenario.home / "notes.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("CREATE TABLE notes (note TEXT)")
        # Spread over pages, so that no stretch of bytes holds it.
        connection.execute("INSERT INTO notes VALUES (?)", (f"{'.' * 450} {ZOE} {'.' * 4000} {NAME}",))
    connection.close()
    return [path]


def cut_gzip(scenario: Scenario) -> list[Path]:
    path = scenario.home / "cut.log.gz"
    whole = gzip.compress(f"{NAME} called\n".encode() + bytes(range(256)) * 400, compresslevel=1)
    path.write_bytes(whole[: len(whole) // 2])
    return [path]


def export(scenario: Scenario) -> list[Path]:
    path = scenario.home / "export.parquet"
    pd.DataFrame({"phone": [PHONE], "serial": pd.Categorical([SERIAL])}).to_parquet(path, compression="zstd")
    return [path]


def named_after_her(scenario: Scenario) -> list[Path]:
    return [scenario.land("accelerometer", reading(BOB), name=f"{ZOE}.json")]


FOREIGN: dict[str, Place] = {
    place.__name__: place for place in (compute_log, database, cut_gzip, export, named_after_her)
}


@dataclass
class Told:
    """Everything that was done and found, in order."""

    scenario: Scenario
    participant: str
    places: dict[str, list[Path]] = field(default_factory=dict)
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    verified: dict[str, set[str]] = field(default_factory=dict)
    stood: set[str] = field(default_factory=set)
    planned: dict[str, Any] = field(default_factory=dict)
    changed_by_planning: set[str] = field(default_factory=set)
    receipt: dict[str, Any] = field(default_factory=dict)
    rows_after: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    verified_after: dict[str, set[str]] = field(default_factory=dict)
    stands_after: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    scenario = Scenario(tmp_path_factory.mktemp("places"), {"max_bad_share": 0.9})
    land_first(scenario)
    unreadable = land_unreadable(scenario)
    assert scenario.run().success
    unreadable.unlink()
    land(scenario)
    assert scenario.run().success
    land_unreadable(scenario)
    told = Told(scenario, numbers(scenario)[ZOE])
    for name, plant in {**PLANTED, **FOREIGN}.items():
        told.places[name] = plant(scenario)
    told.rows = contents(scenario)
    told.verified = verify(scenario)
    told.stood = standing(scenario.folder, told.participant)
    before = bytes_of(scenario.folder)
    told.planned = forget(scenario, ZOE, "--dry-run")
    told.changed_by_planning = {path for path, _ in set(before.items()) ^ set(bytes_of(scenario.folder).items())}
    told.receipt = forget(scenario)
    told.rows_after = contents(scenario)
    told.verified_after = verify(scenario)
    told.stands_after = standing(scenario.folder, told.participant)
    return told


def shown(path: Path) -> str:
    return str(path).replace(f"{ZOE}.json", "(address)")


def test_whatever_tells_who_she_is_is_looked_for(told):
    proof = json.loads(stedi(told.scenario, "forget", "--verify", "--json", ZOE).stdout)
    whats = {"email", "customerName", "phone", "serialNumber", "participantId"}
    assert proof["looked_for"] == dict.fromkeys(sorted(whats), 1)
    assert set().union(*told.verified.values()) == whats


@pytest.mark.parametrize("name", [*KEPT, *(f"{feed}/landing/unreadable.json" for feed in FEEDS)])
def test_she_stands_in_every_kind_of_raw_file_and_then_no_more(told, name):
    path = str(told.scenario.landing / name)
    assert path in told.stood
    assert path in told.verified


@pytest.mark.parametrize("name", TABLES_WITH_HER)
def test_she_stands_in_every_table_and_then_in_none(told, name):
    inside = f"/{name}/data/"
    assert any(inside in path for path in told.stood)
    assert any(inside in path for path in told.verified)
    assert all(ZOE not in repr(row).lower() for row in told.rows_after[name])


def test_afterwards_she_stands_in_nothing_but_what_is_not_the_platforms(told):
    foreign = {str(path) for name in FOREIGN for path in told.places[name]}
    assert told.stands_after == foreign
    assert told.verified_after.keys() == {shown(Path(path)) for path in foreign}


def test_both_searches_agree_on_where_she_stood(told):
    assert told.verified.keys() == {shown(Path(path)) for path in told.stood}


@pytest.mark.parametrize("name", [*PLANTED, *FOREIGN])
def test_she_is_found_wherever_she_was_planted(told, name):
    for path in told.places[name]:
        assert str(path) in told.stood
        assert shown(path) in told.verified


@pytest.mark.parametrize("name", PLANTED)
def test_what_only_history_and_accidents_keep_is_gone(told, name):
    assert not any(path.exists() for path in told.places[name])


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_the_platforms_stays_and_is_reported(told, name):
    for path in told.places[name]:
        assert path.exists()
        assert shown(path) in told.verified_after


@pytest.mark.parametrize("name", KEPT)
def test_other_peoples_raw_records_stay_in_their_order(told, name):
    assert raw_records(told.scenario.landing / name) == KEPT[name]


def test_packed_files_stay_packed_and_unreadable_texts_of_others_stay(told):
    landing = told.scenario.landing
    assert (landing / "customer/landing/packed.json.gz").read_bytes().startswith(b"\x1f\x8b")
    assert (landing / "customer/landing/unreadable.json").read_text().split("\n") == ["half a line", "another half", ""]
    assert (landing / "accelerometer/landing/unreadable.json").read_text() == "nobody\n"
    assert (landing / "step_trainer/landing/unreadable.json").read_bytes() == b""


@pytest.mark.parametrize("name", TABLES_WITH_HER)
def test_other_peoples_rows_stay(told, name):
    hers = [ZOE, SERIAL.lower(), told.participant]
    others = [row for row in told.rows[name] if not any(word in repr(row).lower() for word in hers)]
    assert told.rows_after[name] == others


def test_a_dry_run_changes_nothing_and_counts_what_then_goes(told):
    assert told.changed_by_planning == set()
    assert told.planned["erasure"] is None
    # The unfinished file goes as a whole, and is counted as no raw file then.
    assert told.planned["raw"]["records"] == told.receipt["raw"]["records"] + 1
    for planned, done in zip(told.planned["tables"], told.receipt["tables"], strict=True):
        assert (planned["table"], planned["rows"]) == (done["table"], done["rows"])
        gone = len(told.rows[done["table"]]) - len(told.rows_after[done["table"]])
        assert done["rows"] == gone


def test_no_table_keeps_a_snapshot_a_name_or_a_file_besides_the_current_one(told):
    for table in tables(told.scenario):
        if table.name()[-1] != "erasures":
            assert len(table.metadata.snapshots) == 1
            assert table.metadata.refs.keys() == {"main"}
    assert orphans(told.scenario) == set()


def test_the_next_run_publishes_the_same_rows_of_everybody_else(told):
    """Last: it changes what the others look at."""
    (told.places["named_after_her"][0]).unlink()
    result = told.scenario.run()
    assert result.success
    after = contents(told.scenario)
    for name in TABLES:
        assert sorted(map(repr, after[name])) == sorted(map(repr, told.rows_after[name])), name
    foreign = {str(path) for name in FOREIGN for path in told.places[name] if path.exists()}
    assert standing(told.scenario.folder, told.participant) == foreign
    assert verify(told.scenario).keys() == foreign
