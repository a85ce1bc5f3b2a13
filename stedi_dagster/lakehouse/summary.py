"""What a snapshot records of how it was made: the `stedi.*` entries of its Iceberg summary.

Their names on disk stay as they are: warehouses that earlier releases wrote are read, and so is what later ones add.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyiceberg.table.snapshots import Snapshot

from stedi_dagster.errors import StediError

_PREFIX = "stedi."
# Recorded as plain text, all others as JSON.
_TEXTS = {"inputs", "staged-in", "checksums"}


def _entry_name(field: str) -> str:
    return field.replace("_", "-")


class _Recorded(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="allow",
        alias_generator=_entry_name,
        validate_by_name=True,
        serialize_by_alias=True,
    )


class BatchSummary(_Recorded):
    """What landing counted in the raw files of one batch.

    Attributes:
        files: how many these are.
        odd: whether what is in them was read outside the engine.
        odd_files: how many files were; of an empty one there is nothing to read.
        records: everything that was read, readable or not.
        erased: records of people who were erased, which do not land.
        quarantined: texts that could not be read, by reason.
        lines: records, and lines of what cannot be read.
        bad_lines: how many of these cannot be read.
        octets: bytes.
        bad_octets: how many of these cannot be read.
        hidden: files that hide what they hold, or a part of it, with what that is.
        due: when (epoch ms) the first record that lies in the future no longer does.
        cut: whether a text was cut off within an address: whom it means depends on who else has landed.
        unreadable: the part of the quarantine's data files that has its texts; None where there are none.
    """

    files: int
    odd: bool
    records: int
    odd_files: int = 0
    erased: int = 0
    quarantined: dict[str, int] = Field(default_factory=dict)
    lines: int = 0
    bad_lines: int = 0
    octets: int = 0
    bad_octets: int = 0
    hidden: dict[str, str] = Field(default_factory=dict)
    due: int | None = None
    cut: bool = False
    unreadable: str | None = None

    @classmethod
    def merged(cls, batches: Iterable["BatchSummary"], *, unreadable: str) -> "BatchSummary":
        """The sum of batches of one kind.

        Args:
            batches: some in which no text is cut.
            unreadable: where their texts are, if there are any.
        """
        found = list(batches)
        return cls(
            files=sum(batch.files for batch in found),
            odd=found[0].odd,
            odd_files=sum(batch.odd_files for batch in found),
            records=sum(batch.records for batch in found),
            erased=sum(batch.erased for batch in found),
            quarantined=_sum(batch.quarantined for batch in found),
            lines=sum(batch.lines for batch in found),
            bad_lines=sum(batch.bad_lines for batch in found),
            octets=sum(batch.octets for batch in found),
            bad_octets=sum(batch.bad_octets for batch in found),
            hidden={name: what for batch in found for name, what in batch.hidden.items()},
            due=_first(batch.due for batch in found),
            unreadable=unreadable if any(batch.unreadable for batch in found) else None,
        )


class LandingSummary(_Recorded):
    """What landing a feed counted; recorded with the records and with the quarantine.

    Attributes:
        records: everything that was read, readable or not.
        erased: records of people who were erased, which do not land.
        quarantined: texts that could not be read, by reason.
        quarantined_in: the files with the most of these, and how many are in each.
        odd_files: how many files were read outside the engine.
        due: when (epoch ms) the first record that lies in the future no longer does.
        shares: the unreadable share of the lines and of the bytes.
        hidden: files that hide what they hold, or a part of it, with what that is.
        batches: the same of each batch, by the part of the data files that has its records.
        quarantine: the snapshot of the quarantine that belongs to these records.
    """

    records: int
    erased: int = 0
    quarantined: dict[str, int] = Field(default_factory=dict)
    quarantined_in: dict[str, int] = Field(default_factory=dict)
    odd_files: int = 0
    due: int | None = None
    shares: dict[str, float] = Field(default_factory=dict)
    hidden: dict[str, str] = Field(default_factory=dict)
    batches: dict[str, BatchSummary] = Field(default_factory=dict)
    quarantine: int | None = None

    @classmethod
    def of(cls, batches: Mapping[str, BatchSummary], quarantined_in: Mapping[str, int]) -> "LandingSummary":
        """The sum of batches.

        Args:
            batches: all of a feed.
            quarantined_in: see the attribute, in this order.
        """
        found = batches.values()
        lines, octets = sum(batch.lines for batch in found), sum(batch.octets for batch in found)
        bad_lines, bad_octets = sum(batch.bad_lines for batch in found), sum(batch.bad_octets for batch in found)
        return cls(
            records=sum(batch.records for batch in found),
            erased=sum(batch.erased for batch in found),
            quarantined=_sum(batch.quarantined for batch in found),
            quarantined_in=dict(quarantined_in),
            odd_files=sum(batch.odd_files for batch in found),
            due=_first(batch.due for batch in found),
            shares={
                "lines": bad_lines / lines if lines else 0.0,
                "bytes": bad_octets / octets if octets else 0.0,
            },
            hidden={name: what for batch in found for name, what in batch.hidden.items()},
            batches=dict(batches),
        )


class SnapshotSummary(_Recorded):
    """What a snapshot records of how it was made. An entry that nobody recorded is None, or empty.

    Entries that this release does not know are kept, and recorded again as they are.

    Attributes:
        inputs: the fingerprint of everything that the table was made from.
        run_id: the run.
        code_version: of the code that made it.
        policy: the rules that were in force.
        upstream: the snapshots that it was made from, by table: of each the first with the rows that it has.
        same_since: the first snapshot with its rows, where that is another one: then only what it was made from is new.
        rows_in: rows of its main input.
        kept: how many of these are in it.
        withheld: how many are not, by reason.
        landed: of a feed's records and of its quarantine: what landing counted.
        registered: how many participants are new in it.
        forgotten: how many participants are no longer in it.
        refused: whether it is the quarantine of a feed that was refused.
        withdrawn_since: rows of people who withdrew that were deleted since a run made the table.
        erased_since: rows that erasures deleted since then.
        staged_in: the name of the folder of its data files.
        checksums: which kind of checksums lies in that folder.
    """

    inputs: str | None = None
    run_id: str | None = None
    code_version: str | None = None
    policy: dict[str, Any] | None = None
    upstream: dict[str, int] = Field(default_factory=dict)
    same_since: int | None = None
    rows_in: int | None = None
    kept: int | None = None
    withheld: dict[str, int] | None = None
    landed: LandingSummary | None = None
    registered: int | None = None
    forgotten: int | None = None
    refused: bool = False
    withdrawn_since: int = 0
    erased_since: int = 0
    staged_in: str | None = None
    checksums: str | None = None

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, table: str) -> "SnapshotSummary":
        """Read what a snapshot records.

        Args:
            snapshot: as PyIceberg has it; one that others published records nothing.
            table: whose it is, for the message.

        Raises:
            StediError: an entry is not in the form in which it is recorded.
        """
        found = {}
        for key, text in _entries(snapshot).items():
            name = key.removeprefix(_PREFIX)
            try:
                found[name] = json.loads(text) if name in _NAMES - _TEXTS else text
            except ValueError:
                raise _malformed(table, key) from None
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise _malformed(table, f"{_PREFIX}{error.errors()[0]['loc'][0]}") from None

    def to_properties(self) -> dict[str, str]:
        """The entries of the snapshot's summary: those that were given, and those that were read."""
        given = self.model_dump(exclude_unset=True)
        return {
            f"{_PREFIX}{name}": json.dumps(value) if name in _NAMES - _TEXTS else value for name, value in given.items()
        }


def _first(moments: Iterable[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return dict(sorted(sum(map(Counter, counts), Counter[str]()).items()))


_NAMES = {_entry_name(name) for name in SnapshotSummary.model_fields}


def inputs_of(snapshot: Snapshot | None) -> str | None:
    """The fingerprint of what a snapshot was made from, whatever else it records; None where nobody recorded it."""
    return _entries(snapshot).get(f"{_PREFIX}inputs")


def folder_of(snapshot: Snapshot | None) -> str | None:
    """The name of the folder of a snapshot's data files, whatever else it records; None where nobody recorded it."""
    return _entries(snapshot).get(f"{_PREFIX}staged-in")


def checksums_of(snapshot: Snapshot | None) -> str | None:
    """Which kind of checksums a snapshot has, whatever else it records; None where it has none."""
    return _entries(snapshot).get(f"{_PREFIX}checksums")


def rows_since(snapshot: Snapshot) -> int:
    """The first snapshot with the rows that a snapshot has, whatever else it records."""
    recorded = _entries(snapshot).get(f"{_PREFIX}same-since", "")
    return int(recorded) if recorded.isdecimal() else snapshot.snapshot_id


def newer_inputs(table: str, current: Mapping[str, Snapshot], *, until: float = math.inf) -> list[str]:
    """The tables that a table was made from, and that have been published anew since.

    Args:
        table: its name.
        current: the current snapshots by table.
        until: what was published later than this (epoch ms) does not count.

    Raises:
        StediError: what the table's snapshot records cannot be read.
    """
    made_from = SnapshotSummary.from_snapshot(current[table], table).upstream
    return [
        name
        for name, snapshot_id in made_from.items()
        if name in current and rows_since(current[name]) != snapshot_id and current[name].timestamp_ms <= until
    ]


def _entries(snapshot: Snapshot | None) -> dict[str, str]:
    recorded = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return {key: recorded[key] for key in recorded if key.startswith(_PREFIX)}


def _malformed(table: str, key: str) -> StediError:
    return StediError(
        f"What a snapshot of {table} records under {key} cannot be read: another program has written it, or it is "
        "damaged. Nothing was changed. Bring the table back from a backup, or run `stedi run --full-refresh`."
    )
