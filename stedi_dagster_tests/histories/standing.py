"""What a lakehouse and a landing zone really hold, read without the platform's own readers."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pyarrow import parquet as pq
from pyiceberg.table import Table

from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster_tests.histories.world import Row, Rows
from stedi_dagster_tests.lakehouse.builders import unpacked


def _customer(row: dict[str, Any]) -> Row:
    agrees = row["shareWithResearchAsOfDate"] is not None
    return _key(row["email"]), _key(row["serialNumber"]), row["lastUpdateDate"], agrees


def _key(text: str) -> str:
    return text.strip().lower()


def _whole(people: str) -> str:
    """Whose address stands in a text, without what may be read of it by leaving off its end (ann@EXAMPLE.COM)."""
    found = sorted(people.split("\n"))
    return "\n".join(one for one in found if not any(other.startswith(f"{one}.") for other in found))


_SHAPES: dict[str, Callable[[dict[str, Any]], Row]] = {
    "customer_landing": _customer,
    "customer_trusted": _customer,
    "customers_curated": _customer,
    "customer_quarantine": lambda row: (_whole(row["people"]), row["raw"]),
    "accelerometer_landing": lambda row: (_key(row["user"]), row["timestamp"], row["x"]),
    "accelerometer_trusted": lambda row: (_key(row["user"]), row["timestamp"], row["x"]),
    "step_trainer_landing": lambda row: (row["sensorReadingTime"], _key(row["serialNumber"])),
    "step_trainer_trusted": lambda row: (row["sensorReadingTime"], _key(row["serialNumber"])),
    "machine_learning_curated": lambda row: (row["participantId"], row["sensorReadingTime"], row["x"]),
}


def participants(lakehouse: Lakehouse) -> dict[str, str]:
    """The participantId of everybody who has one."""
    found = {row["email"]: row["participantId"] for row in _rows(lakehouse.table("participants"))}
    assert len(set(found.values())) == len(found), "two people are one participant"
    return found


def tables(lakehouse: Lakehouse, people: dict[str, str]) -> dict[str, Rows]:
    """The current rows of every table, in the shape of `World.expected`; `people` says which participant is whom."""
    found = {name: Counter(map(shape, _rows(lakehouse.table(name)))) for name, shape in _SHAPES.items()}
    pairs = found["machine_learning_curated"]
    return found | {
        "machine_learning_curated": Counter({(people[who], *rest): times for (who, *rest), times in pairs.items()})
    }


def history(lakehouse: Lakehouse) -> dict[str, set[str]]:
    """The tables of which more than the current snapshot can be reached, and under which names."""
    found = {}
    for name in (*_SHAPES, "participants"):
        table = lakehouse.table(name)
        if table is not None and len(table.metadata.snapshots) > 1:
            found[name] = set(table.metadata.refs)
    return found


def files_naming(folder: Path, words: Iterable[str]) -> dict[str, set[str]]:
    """The files below a folder that hold one of some words, unpacked and decoded."""
    wanted = {word.lower() for word in words}
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = _text(path).lower()
            if there := {word for word in wanted if word in text or word in path.name.lower()}:
                found[str(path.relative_to(folder))] = there
    return found


def raw(landing: Path) -> dict[str, list[str]]:
    """The lines of every raw file, by its name."""
    return {
        path.name: sorted(line for line in path.read_text(encoding="utf-8").split("\n") if line.strip())
        for path in landing.rglob("*")
        if path.is_file()
    }


def _rows(table: Table | None) -> list[dict[str, Any]]:
    return [] if table is None else table.scan().to_arrow().to_pylist()


def _text(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(b"PAR1"):
        # Beside the rows, what stands in the footer: bounds of columns, for one.
        return f"{pq.read_table(path).to_pylist()} {content.decode('utf-8', 'replace')}"
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content).decode("utf-8", "replace")
    return (unpacked(path) if content.startswith(b"Obj\x01") else content).decode("utf-8", "replace")
