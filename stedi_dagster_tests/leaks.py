"""Data in which everybody can be recognised, engines that quote it, and a search for it in every byte."""

import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

# Everybody here is called, and has, something with one of these in it; no word of the platform has.
SECRETS = [b"zwiebelfisch", b"quarkstrudel", b"90817263", b"1961-11-23", b"0xfeedbeef"]


_SECRET = re.compile(b"|".join(map(re.escape, SECRETS)), re.IGNORECASE)


# `stedi run`, with an engine that quotes what it worked on, as engines do.
QUOTING = """
from dataclasses import replace
from pyspark.sql import functions as F
from stedi_dagster.defs.assets import table_asset
from stedi_dagster.audits.gate import people
from stedi_dagster.drafts.tables import draft_table
from stedi_dagster.cli import main

TABLE = {table!r}

def quoting(frame):
    return frame.withColumn(frame.columns[0], F.raise_error(F.concat_ws(" ", F.lit("cannot cast"), *frame.columns)))

def draft(run, plan, inputs):
    select = plan.select
    def selecting(policy, **frames):
        selection = select(policy=policy, **frames)
        return replace(selection, kept=quoting(selection.kept))
    return draft_table(run, replace(plan, select=selecting) if plan.contract.table() == TABLE else plan, inputs)

table_asset.draft_table = draft
if TABLE == "audit":
    people.audit_unique_person = lambda content: quoting(content).collect()
main()
"""


def zoe(number: int, **more: Any) -> dict[str, Any]:
    """A customer who is nobody else."""
    person = {
        "customerName": f"Zoe Quarkstrudel {number}",
        "phone": f"90817263{number}",
        "birthDay": "1961-11-23",
        "serialNumber": f"0xFEEDBEEF-{number}",
    }
    return customer(f"Zwiebelfisch{number}@Example.com", **{**person, **more})


def land(scenario: Scenario) -> None:
    """Good data, with all that is withheld, re-delivered, ambiguous or unreadable."""
    people = [zoe(number, agreed=None if number % 3 == 0 else T0) for number in range(30)]
    readings = [reading(person["email"], T0 + at) for person in people for at in (1, 2, 2)]
    steps = [step(person["serialNumber"], T0 + at) for person in people for at in (1, 2, 3, 3)]
    scenario.land("customer", *people, zoe(31, birthDay="1961-11-23 or so"), zoe(40, unknown=1))
    scenario.land("customer", zoe(41, serialNumber="0xFEEDBEEF-1"), name="odd {name}.json")
    scenario.land("accelerometer", *readings, reading("zwiebelfisch@nobody.example"))
    scenario.land("step_trainer", *steps)
    scenario.land_text("customer", '{"email": "zwiebelfisch-broken@example.com", "phone": "90817263"', name="cut.json")
    scenario.land_text("accelerometer", "{", name="of zwiebelfisch@example.com.json")
    scenario.land_text("accelerometer", '{"user": ["zwiebelfisch"], "timestamp": "quarkstrudel"}', name="types.json")
    scenario.land_text("step_trainer", b'{"serialNumber": "0xfeedbeef\xff"}\n\x00quarkstrudel', name="bytes.json")


def bytes_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file's bytes, and what its compressed parts hold."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix == ".db":
                yield from ((path, value) for value in packed_values(path))


def packed_values(database: Path) -> Iterator[bytes]:
    with sqlite3.connect(database) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (zlib.decompress(value) for value in row if isinstance(value, bytes) and value[:1] == b"x")
