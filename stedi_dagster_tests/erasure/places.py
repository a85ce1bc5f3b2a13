"""Every kind of place in which somebody may stand, and how she gets there."""

import gzip
import json
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq
from pyiceberg.table import Table

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.erasure.unique_person import (
    BOB,
    CID,
    NAME,
    PHONE,
    SERIAL,
    ZOE,
    contents_of,
    her_record,
    lines,
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
    pretty = "\n".join(json.dumps(record, indent=2) for record in (kept[0], her_record(), kept[1]))
    scenario.land_text("customer", pretty, name="pretty.json")
    kept = KEPT["customer/landing/array.json"]
    scenario.land_text("customer", json.dumps([kept[0], her_record(), kept[1]], indent=1), name="array.json")
    packed = gzip.compress(lines(her_record(), *KEPT["customer/landing/packed.json.gz"]).encode())
    scenario.land_text("customer", packed, name="packed.json.gz")
    windows = "\ufeff" + lines(her_record(), *KEPT["customer/landing/windows.json"]).replace("\n", "\r\n")
    scenario.land_text("customer", windows, name="windows.json")
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in ZOE)
    text = lines(her_record(), *KEPT["customer/landing/escaped.json"]).replace(ZOE, escaped)
    scenario.land_text("customer", text, name="escaped.json")
    scenario.land("customer", her_record(CAPITALS, customerName=NAME.upper()), name="capitals.json")
    scenario.land("customer", her_record(), *KEPT["customer/landing/_old.json"], name="_old.json")
    scenario.land_text("accelerometer", f'{{"user": ["{ZOE}"], "timestamp": 1}}\nnobody', name="unreadable.json")
    scenario.land_text("step_trainer", f"{SERIAL} and no object", name="unreadable.json")


def land_unreadable(scenario: Scenario) -> Path:
    """What cannot be read withholds whoever it names: it is not there when the current snapshots are made."""
    hers = f'{{"email": "{ZOE}", "phone": "{PHONE}'
    text = f"half a line\n{hers}\n{json.dumps(her_record())}\nanother half"
    return scenario.land_text("customer", text, name="unreadable.json")


def land_first(scenario: Scenario) -> None:
    """What the first run finds: it makes the older snapshots."""
    scenario.land("customer", her_record(), *OTHERS)
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
    return [scenario.land("customer", her_record(), name=f".{uuid.uuid4()}.unfinished")]


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
