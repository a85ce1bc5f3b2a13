"""Small builders: rows of the participants table, staged and published."""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyiceberg.table import Table

from stedi_dagster.contracts import Participants
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary

NAME = "participants"


def people(*names: str) -> list[tuple[str, str]]:
    """Rows of the table that these tests publish."""
    return [(f"{name}@example.com", f"number of {name}") for name in names]


def table_of(lake: Lakehouse) -> Table:
    """The table, as it is now."""
    return lake.ensure_table(NAME, Participants)


def stage(lake: Lakehouse, rows: Iterable[tuple[Any, ...]], table: Table | None = None) -> DataFiles:
    """Stage rows."""
    staged = lake.stage(table or table_of(lake), Participants)
    staged.write_rows(rows)
    return staged.files()


def prepare(lake: Lakehouse, *names: str, inputs: str = "inputs", **recorded: Any) -> Commit:
    """Stage people, and prepare to publish them instead of whoever is there."""
    table = table_of(lake)
    return lake.prepare(table, stage(lake, people(*names), table), SnapshotSummary(inputs=inputs, **recorded))


def publish(lake: Lakehouse, *names: str, inputs: str = "inputs", **recorded: Any) -> Snapshot:
    """Publish people instead of whoever is there."""
    return prepare(lake, *names, inputs=inputs, **recorded).publish()


def published_rows(lake: Lakehouse, snapshot_id: int | None = None) -> list[tuple[Any, ...]]:
    """What readers see."""
    found = table_of(lake).scan(snapshot_id=snapshot_id).to_arrow()
    return sorted(tuple(row.values()) for row in found.to_pylist())


def files_of(lake: Lakehouse) -> set[str]:
    """Every file of the table, in use or not."""
    return set(lake.storage.list(table_of(lake).location()))


def unpacked(path: Path) -> bytes:
    """The bytes of a metadata file; those of an Avro file also decompressed, as its header says (deflate)."""
    content = path.read_bytes()
    if not content.startswith(b"Obj\x01"):
        return content
    assert b"deflate" in content
    header, *blocks, rest = content.split(content[-16:])
    assert rest == b""
    return b"".join([header, *(zlib.decompress(_after_longs(block, 2), -zlib.MAX_WBITS) for block in blocks)])


def _after_longs(block: bytes, number: int) -> bytes:
    """What follows some of Avro's variable-length numbers."""
    at = 0
    for _ in range(number):
        while block[at] & 0x80:
            at += 1
        at += 1
    return block[at:]


def opened(lake: Lakehouse, **other: object) -> Lakehouse:
    """As the next process opens it."""
    arguments = {"home": lake.home, "warehouse": lake.warehouse, "database": lake.database, **other}
    return Lakehouse(**arguments)  # type: ignore[arg-type]


def written(lake: Lakehouse) -> Lakehouse:
    """What a run that publishes somebody leaves, as the next process opens it."""
    with writing(lake):
        published(lake, "ann")
        published(lake, "bob")
    return opened(lake)


def published(lake: Lakehouse, name: str) -> None:
    """As a run does it: afterwards, nothing is left to do."""
    publish(lake, name)
    lake.expire(table_of(lake))


def writing(lake: Lakehouse):
    return lake.writing("a test", timeout=0, waiting=print)


def everything(lake: Lakehouse) -> dict[str, bytes]:
    root = Path(lake.warehouse)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
