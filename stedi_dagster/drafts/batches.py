"""Batches: raw files that landed together, whose records are in data files of their own and can be taken out together.

What the engine read and what our own reader did are two batches. Each run that lands something adds some; where there
are too many, small ones are merged, so that what a record costs does not grow with the number of runs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from stedi_dagster.drafts.merging import small
from stedi_dagster.lakehouse.data_files import MOVED, DataFiles
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.staged import ENGINE, ROWS, StagedTable
from stedi_dagster.lakehouse.summary import BatchSummary
from stedi_dagster.landing.files import RawFile
from stedi_dagster.landing.land import Lander


def batch_of(staged: StagedTable, *, odd: bool) -> str:
    """The batch of the files that are landed into a staged table, read by the engine or outside of it."""
    return f"{staged.name}/{ROWS if odd else ENGINE}"


@dataclass
class BatchedTable:
    """A table whose data files are in batches: what is staged for it, what stays of it, and what does not.

    Attributes:
        staged: what is new.
        stays: files of its current snapshot.
        gone: the paths of the others that it has.
    """

    staged: StagedTable
    stays: DataFiles
    gone: list[str] = field(default_factory=list)

    def take_out(self, parts: AbstractSet[str | None]) -> DataFiles:
        """Take out, and return, the files that are in some parts of what was staged once."""
        paths = [path for part, found in self.stays.parts().items() if part in parts for path in found.paths]
        out = self.stays.only(paths)
        self.stays = self.stays.without(paths)
        self.gone += paths
        return out


def landed_batches(
    lander: Lander,
    files: Sequence[RawFile],
    erased: Counter[str],
    unreadable: DataFiles,
    records: StagedTable,
    quarantine: StagedTable,
) -> dict[str, BatchSummary]:
    """What was counted in files that were landed.

    Args:
        lander: landed them.
        files: the files.
        erased: how many rows were taken out because of an erasure, by the part of a staged table.
        unreadable: what could not be read, without those.
        records: where the records are.
        quarantine: where the rest is.
    """
    found = {}
    if lander.canonical:
        batch = batch_of(records, odd=False)
        found[batch] = BatchSummary(
            files=len(lander.canonical),
            odd=False,
            records=lander.by_engine,
            erased=erased[batch],
            lines=lander.by_engine,
            octets=sum(file.size for file in lander.canonical),
        )
    if len(files) > len(lander.canonical):
        batch, texts = batch_of(records, odd=True), batch_of(quarantine, odd=True)
        found[batch] = BatchSummary(
            files=len(files) - len(lander.canonical),
            odd=True,
            odd_files=lander.odd_files,
            records=lander.records - lander.by_engine,
            erased=erased[batch] + erased[texts],
            quarantined=dict(Counter(unreadable.column("reason")) if erased[texts] else lander.quarantined),
            lines=lander.weight.lines,
            bad_lines=lander.weight.bad_lines,
            octets=lander.weight.octets,
            bad_octets=lander.weight.bad_octets,
            hidden=lander.weight.hidden,
            due=lander.due_ms,
            cut=lander.cut,
            unreadable=texts if unreadable.rows else None,
        )
    return found


def merge(
    batches: Mapping[str, BatchSummary], records: BatchedTable, quarantine: BatchedTable
) -> dict[str, tuple[str, BatchSummary]]:
    """Write the rows of small batches together, where there are too many batches.

    Args:
        batches: those that stay.
        records: has their records.
        quarantine: has what of them could not be read.

    Returns:
        Of each batch that was merged: what it is part of now, and what was counted in that.
    """
    merged: dict[str, tuple[str, BatchSummary]] = {}
    for odd in (False, True):
        # What is landed again whenever something is new stays apart.
        alike = {name: batch for name, batch in batches.items() if batch.odd == odd and not batch.cut}
        group = small({name: batch.octets for name, batch in alike.items()})
        if group:
            part = f"{MOVED}-{ROWS if odd else ENGINE}"
            _copy(records.take_out(group), records.staged, part)
            _copy(quarantine.take_out({batches[name].unreadable for name in group}), quarantine.staged, part)
            texts = f"{quarantine.staged.name}/{part}"
            summary = BatchSummary.merged((batches[name] for name in group), unreadable=texts)
            merged |= dict.fromkeys(group, (f"{records.staged.name}/{part}", summary))
    return merged


def _copy(files: DataFiles, staged: StagedTable, part: str) -> None:
    if files.paths:
        schema = arrow_schema(files.contract)
        staged.write_batches((batch.cast(schema) for batch in files.batches(schema.names)), part=part)
