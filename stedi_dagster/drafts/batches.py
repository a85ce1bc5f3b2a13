"""Batches: raw files that landed together, whose records are in data files of their own and can be taken out together.

What the engine read and what our own reader did are two batches. Each run that lands something adds some; where there
are too many, small ones are merged, so that what a record costs does not grow with the number of runs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.staged import ENGINE, ROWS, StagedTable
from stedi_dagster.lakehouse.summary import BatchSummary
from stedi_dagster.landing.files import RawFile
from stedi_dagster.landing.land import Lander

# So many batches of a kind are never merged; and so many are left at most, where there were more.
_MANY, _FEW = 12, 4


def batch_of(staged: StagedTable, *, odd: bool) -> str:
    """The batch of the files that are landed into a staged table, read by the engine or outside of it."""
    return f"{staged.name}/{ROWS if odd else ENGINE}"


def landed_batches(
    lander: Lander,
    files: Sequence[RawFile],
    records: tuple[DataFiles, DataFiles],
    unreadable: tuple[DataFiles, DataFiles],
    staged: StagedTable,
    quarantine: StagedTable,
) -> dict[str, BatchSummary]:
    """What was counted in files that were landed.

    Args:
        lander: landed them.
        files: the files.
        records: their records before those of erased people were taken out, and afterwards.
        unreadable: the same of what could not be read.
        staged: where the records are.
        quarantine: where the rest is.
    """
    found = {}
    gone = _rows(records[0]) - _rows(records[1])
    if lander.canonical:
        batch = batch_of(staged, odd=False)
        found[batch] = BatchSummary(
            files=len(lander.canonical),
            odd=False,
            records=lander.by_engine,
            erased=gone[batch],
            lines=lander.by_engine,
            octets=sum(file.size for file in lander.canonical),
        )
    if len(files) > len(lander.canonical):
        batch = batch_of(staged, odd=True)
        erased = unreadable[0].rows - unreadable[1].rows
        found[batch] = BatchSummary(
            files=len(files) - len(lander.canonical),
            odd=True,
            records=lander.records - lander.by_engine,
            erased=gone[batch] + erased,
            quarantined=dict(Counter(unreadable[1].column("reason")) if erased else lander.quarantined),
            lines=lander.weight.lines,
            bad_lines=lander.weight.bad_lines,
            octets=lander.weight.octets,
            bad_octets=lander.weight.bad_octets,
            hidden=lander.weight.hidden,
            due=lander.due_ms,
            cut=lander.cut,
            unreadable=batch_of(quarantine, odd=True) if unreadable[1].rows else None,
        )
    return found


def merge(
    batches: Mapping[str, BatchSummary],
    records: DataFiles,
    unreadable: DataFiles,
    staged: StagedTable,
    quarantine: StagedTable,
) -> dict[str, tuple[str, BatchSummary]]:
    """Write the rows of small batches together, where there are too many batches.

    Args:
        batches: those that stay.
        records: their records.
        unreadable: what of them could not be read.
        staged: where to write records.
        quarantine: where to write the rest.

    Returns:
        Of each batch that was merged: what it is part of now, and what was counted in that.
    """
    merged: dict[str, tuple[str, BatchSummary]] = {}
    for odd in (False, True):
        # What is landed again whenever something is new stays apart.
        group = _small({name: batch for name, batch in batches.items() if batch.odd == odd and not batch.cut})
        if group:
            part = f"merged-{ROWS if odd else ENGINE}"
            _copy(records, group, staged, part)
            _copy(unreadable, {batches[name].unreadable for name in group}, quarantine, part)
            summary = BatchSummary.merged((batches[name] for name in group), unreadable=f"{quarantine.name}/{part}")
            merged |= dict.fromkeys(group, (f"{staged.name}/{part}", summary))
    return merged


def in_parts(files: DataFiles, parts: AbstractSet[str | None]) -> list[str]:
    """The paths of those files that are in some parts of what was staged."""
    return [path for part, found in files.parts().items() if part in parts for path in found.paths]


def _small(batches: Mapping[str, BatchSummary]) -> set[str]:
    """The small ones of too many batches: merging those, a row is written again a logarithmic number of times."""
    if len(batches) <= _MANY:
        return set()
    chosen: set[str] = set()
    octets = 0
    for name, batch in sorted(batches.items(), key=lambda one: one[1].octets):
        if len(batches) - len(chosen) < _FEW and batch.octets > octets:
            break
        chosen.add(name)
        octets += batch.octets
    return chosen


def _copy(files: DataFiles, parts: AbstractSet[str | None], staged: StagedTable, part: str) -> None:
    some = files.only(in_parts(files, parts))
    if some.paths:
        schema = arrow_schema(files.contract)
        staged.write_batches((batch.cast(schema) for batch in some.batches(schema.names)), part=part)


def _rows(files: DataFiles) -> Counter[str]:
    return Counter({part: found.rows for part, found in files.parts().items()})
