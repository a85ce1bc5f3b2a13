"""Somebody to erase, whose every value is nobody else's, and a search for her that shares no code with ours."""

import gzip
import json
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from typer.testing import CliRunner, Result

from stedi_dagster_tests.lakehouse.builders import unpacked
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

ZOE = "zwiebelfisch@example.com"
NAME, PHONE, SERIAL = "Zoe Quarkstrudel", "90817263", "0xFEEDBEEF"
BOB, CID, LEE = "bob@example.com", "cid@example.com", f"lee-{ZOE}"
DAY_MS = 24 * 60 * 60 * 1000

_TELLING = [b"zwiebelfisch", b"quarkstrudel", b"90817263", b"0xfeedbeef"]
_ESCAPED = re.compile(rb"\\u00([0-9a-f]{2})", re.IGNORECASE)


def her_record(email: str = ZOE, **more: Any) -> dict[str, Any]:
    """Her record."""
    return customer(email, **{"customerName": NAME, "phone": PHONE, "serial": SERIAL, **more})


def her_reading(at: int = T0 + 1000, **more: Any) -> dict[str, Any]:
    """An accelerometer record of hers."""
    return reading(ZOE, at, **more)


def her_step(at: int = T0 + 1000) -> dict[str, Any]:
    """A step trainer record of hers."""
    return step(SERIAL, at)


def lines(*records: dict[str, Any]) -> str:
    """One object a line."""
    return "".join(json.dumps(record) + "\n" for record in records)


def land_zoe_and_bob(scenario: Scenario) -> Scenario:
    """Two people who agreed and stepped at the same times."""
    times = (T0 + 1000, T0 + 2000)
    scenario.land("customer", her_record(), customer(BOB))
    scenario.land("accelerometer", *(reading(who, at) for who in (ZOE, BOB) for at in times))
    scenario.land("step_trainer", *(step(serial, at) for serial in (SERIAL, f"serial-of-{BOB}") for at in times))
    return scenario


def stedi(scenario: Scenario, *arguments: str, pipe: str | None = None, **settings: Any) -> Result:
    """The command, in this process."""
    from stedi_dagster.cli.app import app

    loaded = scenario.load_settings()
    environment = {
        "STEDI_HOME": str(loaded.home),
        "STEDI_LANDING": loaded.landing,
        "STEDI_WAREHOUSE": loaded.warehouse_location,
        "STEDI_CATALOG": loaded.catalog,
    }
    environment |= {f"STEDI_{name.upper()}": str(value) for name, value in (scenario.settings | settings).items()}
    return CliRunner().invoke(app, [*arguments], input=pipe, env=environment)


def forget(scenario: Scenario, email: str = ZOE, *options: str, **settings: Any) -> dict[str, Any]:
    """`stedi forget --json`, which succeeds."""
    result = stedi(scenario, "forget", email, "--yes", "--json", *options, **settings)
    assert result.exit_code == 0, (result.output, result.exception)
    receipt: dict[str, Any] = json.loads(result.stdout)
    return receipt


def verify(scenario: Scenario, email: str = ZOE, **settings: Any) -> dict[str, set[str]]:
    """What `stedi forget --verify` finds, by file."""
    result = stedi(scenario, "forget", "--verify", "--json", email, **settings)
    proof = json.loads(result.stdout)
    assert result.exit_code == (1 if proof["places"] or proof["hidden"] else 0)
    found: dict[str, set[str]] = {}
    for place in proof["places"]:
        found.setdefault(place["file"], set()).add(place["what"])
    return found


def digest(scenario: Scenario, email: str = ZOE) -> str:
    """`stedi forget --digest`."""
    return stedi(scenario, "forget", "--digest", email).stdout.strip()


def numbers(scenario: Scenario) -> dict[str, str]:
    """Everybody's participantId."""
    return dict(scenario.query("SELECT email, participantId FROM participants"))


def standing(folder: Path, *also: str) -> set[str]:
    """The files below a folder in which something of hers stands, decoded by other means than the platform's.

    Args:
        folder: where to look.
        also: what else is hers: her participantId.
    """
    hers = re.compile(b"|".join([*_TELLING, *(word.encode() for word in also)]))
    return {
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(hers.search(_plain(content)) for content in contents_of(path))
    }


def contents_of(path: Path) -> Iterator[bytes]:
    """A file's name and bytes, and what is packed in them."""
    content = path.read_bytes()
    yield path.name.encode("utf-8", "surrogateescape")
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield zlib.decompressobj(wbits=31).decompress(content)
    elif content.startswith(b"Obj\x01"):
        yield unpacked(path)
    elif content.startswith(b"PAR1") and content.endswith(b"PAR1"):
        yield repr(duckdb.read_parquet(str(path)).fetchall()).encode()
    elif content.startswith(b"SQLite format 3"):
        with sqlite3.connect(path) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in connection.execute(f'SELECT * FROM "{name}"'):
                    yield from (_inflated(value) for value in row if isinstance(value, bytes))
                    yield repr(row).encode()


def raw_records(path: Path) -> list[Any]:
    """The JSON objects of a raw file that holds nothing else, packed or not."""
    content = path.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    text, found = content.decode("utf-8-sig").strip(), []
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


def bytes_of(*folders: Path) -> dict[str, bytes]:
    """Every file below some folders, but what only says who held the lock last."""
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"lakehouse.holder", "lakehouse.lock"}
    }


def _inflated(value: bytes) -> bytes:
    return zlib.decompress(value) if value[:1] == b"x" else value


def _plain(content: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), content).lower()
