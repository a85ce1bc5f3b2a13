"""What the platform records with a snapshot: what it was made from, and by which rules."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from pyiceberg.table.snapshots import Snapshot

# What a snapshot was made from, as a fingerprint; its folder of data files.
INPUTS = "stedi.inputs"
STAGED_IN = "stedi.staged-in"
# That the checksums of its files are in that folder, and of which kind they are.
CHECKSUMS = "stedi.checksums"
# All of it is under keys that begin so.
_PREFIX = "stedi."


def fingerprint(parts: Mapping[str, Any]) -> str:
    """A digest of everything a table's content depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def summary(snapshot: Snapshot, key: str, default: Any = None) -> Any:
    """What `Lakehouse.prepare` recorded under a key."""
    text = snapshot.summary.get(f"{_PREFIX}{key}") if snapshot.summary else None
    return default if text is None else json.loads(text)


def texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """What `summary` reads, as a snapshot's properties."""
    return {f"{_PREFIX}{key}": json.dumps(value) for key, value in properties.items()}


def everything_recorded(snapshot: Snapshot | None) -> dict[str, str]:
    """All that is recorded with a snapshot, as its properties."""
    recorded = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return {key: recorded[key] for key in recorded if key.startswith(_PREFIX)}


def newer_inputs(table: str, current: Mapping[str, Snapshot], *, until: float = math.inf) -> list[str]:
    """The tables that a table was made from, and that have been published anew since.

    Args:
        table: its name.
        current: the current snapshots by table.
        until: what was published later than this (epoch ms) does not count.
    """
    made_from: dict[str, int] = summary(current[table], "upstream", {})
    return [
        name
        for name, snapshot_id in made_from.items()
        if name in current and current[name].snapshot_id != snapshot_id and current[name].timestamp_ms <= until
    ]
