"""How a table follows what is new in its inputs: which rows are to be added, and whose are to be taken out.

The rules are those that make the table in full, asked about fewer rows. Where that would not be less work, or not be
sure, the table is made in full (`MadeInFull`).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import (
    AccelerometerTrusted,
    Contract,
    CustomersCurated,
    CustomerTrusted,
    StepTrainerTrusted,
)
from stedi_dagster.drafts.delta import KEY, Delta, differing, of_keys, of_others, together
from stedi_dagster.drafts.frames import Frames
from stedi_dagster.drafts.made import MadeInFull
from stedi_dagster.drafts.run import PARTICIPANTS
from stedi_dagster.engines.once import found_once
from stedi_dagster.keys import matching_key
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.policies.selection import REASON, Selection
from stedi_dagster.settings.policy import Policy

STEPS, STEPPER = StepTrainerTrusted.table(), "serialNumber"
WORN, WEARER = AccelerometerTrusted.table(), "user"
PARTICIPANT = "participantId"
CURATED, TRUSTED = CustomersCurated.table(), CustomerTrusted.table()
# So many people or devices are always followed; more than that, up to this share of all.
_FEW, _SHARE = 100, 0.2


@dataclass(frozen=True)
class Following:
    """What a table was made from, and what it is to be made from now.

    Attributes:
        session: the engine's.
        policy: the rules.
        select: the table's rule.
        before: the inputs as they were when the table was made.
        now: the same as they are now.
    """

    session: SparkSession
    policy: Policy
    select: Callable[..., Selection]
    before: Mapping[str, Snapshot]
    now: Mapping[str, Snapshot]

    def delta(self, name: str) -> Delta:
        """What is new in an input.

        Raises:
            MadeInFull: most of it.
        """
        delta = Delta.between(self.before[name], self.now[name])
        if delta.in_full:
            raise MadeInFull(f"most of {name} has changed")
        return delta

    def is_new(self, *names: str) -> bool:
        """Whether one of some inputs has other rows now."""
        return any(self.before[name].snapshot_id != self.now[name].snapshot_id for name in names)

    def selected(self, at: Mapping[str, Snapshot], **some: DataFrame) -> Selection:
        """What the rule selects, where some inputs are only a part of theirs."""
        return self.select(**Frames(self.session, at, some), policy=self.policy)


@dataclass
class Additions:
    """What makes a table into what its inputs say now.

    Attributes:
        kept: the rows to add; None where there are none.
        leaving: whose rows leave before (a frame of `key`); None where nobody's do.
        leaving_by: the column that holds these keys.
        moments: between which event times (epoch ms) rows to add may be there already; None where none can be.
        once: whether equal rows count once.
        counted: by how much the counts of its main input's rows change; each as in `Selection`.
    """

    kept: DataFrame | None = None
    leaving: DataFrame | None = None
    leaving_by: str = ""
    moments: tuple[int, int] | None = None
    once: bool = False
    counted: list[DataFrame] = field(default_factory=list)

    def add(self, selection: Selection) -> None:
        """Add what the rule selects of some rows that were not counted before."""
        self.kept = together(self.kept, selection.kept)
        self.once = selection.once
        self.count(selection)

    def count(self, selection: Selection, sign: int = 1) -> None:
        """Count what the rule says of some rows, or, where the sign is -1, count it no longer."""
        self.counted.append(selection.counts.select(REASON, (F.col("rows") * sign).alias("rows")))

    def counts(self) -> Counter[str | None]:
        """By how much all counts change, by reason; of the rows that are kept, by None. One query."""
        if not self.counted:
            return Counter()
        summed = reduce(DataFrame.unionAll, self.counted).groupBy(REASON).agg(F.sum("rows").alias("rows"))
        return Counter({row[REASON]: row["rows"] for row in summed.collect()})


Follow = Callable[[Following], Additions]
# Given the table's present rows, frames in the place of inputs.
Narrow = Callable[[Following, DataFrame], Mapping[str, DataFrame]]


def readings(contract: type[Contract], standing: Callable[..., DataFrame]) -> Follow:
    """How a table follows that keeps landed readings by the standing of whose they are.

    Args:
        contract: of the landed readings, the first of the table's inputs.
        standing: all that decides about the readings of a key, from the table's other inputs.
    """
    landing = contract.table()
    [owner] = contract.owners()

    def follow(on: Following) -> Additions:
        delta, whose = on.delta(landing), matching_key(owner.name)
        others = [name for name in on.now if name != landing]
        stood = None
        if on.is_new(*others):
            was, now = (
                standing(**{name: at[name].frame(on.session) for name in others}, policy=on.policy)
                for at in (on.before, on.now)
            )
            stood = differing(was, now)
        people = sum(on.now[name].rows for name in others)
        changed = _some(on.session, people, delta.disturbed(on.session, whose), stood)
        additions = Additions(leaving=changed, leaving_by=owner.name)
        asked = before = None
        if changed is not None:
            asked, before = (of_keys(at.frame(on.session), whose, changed) for at in (delta.now, delta.before))
        if delta.new.paths:
            asked = together(asked, of_others(delta.new.frame(on.session), whose, changed))
            additions.moments = delta.new.moments
        if asked is not None:
            additions.add(on.selected(on.now, **{landing: asked}))
        if before is not None:
            additions.count(on.selected(on.before, **{landing: before}), -1)
        return additions

    return follow


def measured(on: Following, curated: DataFrame) -> dict[str, DataFrame]:
    """Who has accelerometer readings: who had some, and who is in the new ones; no old reading tells more.

    Args:
        on: what customers_curated is made from.
        curated: its present rows.

    Raises:
        MadeInFull: others may have had some, or readings are gone.
    """
    worn, trusted = on.delta(WORN), on.before[TRUSTED]
    if worn.gone.paths or on.before[WORN].summary.upstream.get(TRUSTED) != trusted.rows_since:
        raise MadeInFull
    had = curated.select(F.col("email").alias(WEARER))
    return {WORN: had.unionAll(worn.new.frame(on.session).select(WEARER)) if worn.new.paths else had}


def pairs(device_owners: Callable[[DataFrame, DataFrame], DataFrame]) -> Follow:
    """How machine_learning_curated follows: by new readings of either kind, and by devices with another owner.

    Args:
        device_owners: all that decides about how the readings of a device are paired.
    """
    return partial(_follow_pairs, device_owners)


def _follow_pairs(device_owners: Callable[[DataFrame, DataFrame], DataFrame], on: Following) -> Additions:
    if on.policy.match != "person":
        raise MadeInFull("readings are paired by time alone")
    session, steps, worn = on.session, on.delta(STEPS), on.delta(WORN)
    was, now = (
        device_owners(at[CURATED].frame(session), at[PARTICIPANTS].frame(session)).withColumnRenamed("owned", KEY)
        for at in (on.before, on.now)
    )
    people = on.now[CURATED].rows
    wearers = _some(session, people, worn.disturbed(session, F.col(WEARER)))
    changed = _some(
        session,
        people,
        differing(was, now) if on.is_new(CURATED, PARTICIPANTS) else None,
        steps.disturbed(session, F.col(STEPPER)),
        *(of_keys(owners, F.col("owner"), wearers, KEY) for owners in (was, now)),
    )
    additions = Additions(leaving_by=PARTICIPANT)
    if changed is not None:
        additions.leaving = _known_by(was, changed, PARTICIPANT)
        additions.add(on.selected(on.now, **_of_devices(session, steps.now, worn.now, now, changed)))
        before = _of_devices(session, steps.before, worn.before, was, changed)
        additions.count(on.selected(on.before, **before), -1)
    if steps.new.paths:
        new = of_others(steps.new.frame(session), F.col(STEPPER), changed)
        additions.add(on.selected(on.now, **{STEPS: new, WORN: _within(worn.now, session, steps.new)}))
    if worn.new.paths:
        earlier = {STEPS: of_others(_within(steps.earlier, session, worn.new), F.col(STEPPER), changed)}
        met = on.selected(on.now, **earlier, **{WORN: worn.new.frame(session)})
        additions.kept = together(additions.kept, met.kept)
        # They were counted before: only whether they have a counterpart is new.
        for at, sign in ((worn.now, 1), (worn.earlier, -1)):
            additions.count(on.selected(on.now, **earlier, **{WORN: _within(at, session, worn.new)}), sign)
    return additions


def _known_by(owners: DataFrame, devices: DataFrame, column: str) -> DataFrame:
    """What the owners of some devices are known by, as keys."""
    return owners.join(devices, on=KEY, how="left_semi").select(F.col(column).alias(KEY))


def _of_devices(
    session: SparkSession, steps: DataFiles, worn: DataFiles, owners: DataFrame, devices: DataFrame
) -> dict[str, DataFrame]:
    """The readings of some devices and of their owners."""
    people = found_once(_known_by(owners, devices, "owner"))
    found = {
        STEPS: of_keys(steps.frame(session), F.col(STEPPER), devices),
        WORN: of_keys(worn.frame(session), F.col(WEARER), people),
    }
    return {name: rows for name, rows in found.items() if rows is not None}


def _within(files: DataFiles, session: SparkSession, others: DataFiles) -> DataFrame:
    """The rows of a table's files from the time of those of another one."""
    moment = files.contract.event_time()
    return files.frame(session).where(F.col(str(moment)).between(*others.moments))


def _some(session: SparkSession, people: int, *keys: DataFrame | None) -> DataFrame | None:
    """The keys that there are in some frames: found once, and not again in every query that asks for them.

    Raises:
        MadeInFull: they are too many for it to be less work to follow them.
    """
    most = int(max(_FEW, _SHARE * people))
    found = [frame.limit(most + 1).toArrow() for frame in keys if frame is not None]
    every = pa.concat_tables(found).group_by(KEY).aggregate([]) if found else ()
    if len(every) > most:
        raise MadeInFull(f"more than {most:,} people or devices have changed")
    return session.createDataFrame(every) if len(every) else None
