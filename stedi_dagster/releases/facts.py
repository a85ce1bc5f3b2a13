"""What a release's card says: numbers, times, rules. `create` gathers it, `card` and `croissant` write it down."""

from collections.abc import Mapping
from dataclasses import dataclass

from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.lakehouse.revisions import PartFacts, Revision
from stedi_dagster.report.facts import State, Step
from stedi_dagster.split import Part, Shares

__all__ = ["AgeBand", "AuditOutcome", "ExportedFile", "Origin", "PartFacts", "Release", "Revision"]


@dataclass(frozen=True)
class AuditOutcome:
    """What a standing audit said when the release was created."""

    name: str
    question: str
    state: State
    problems: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class AgeBand:
    """About how many participants were so old when they registered.

    `people` is rounded down to tens, and None where there are fewer than ten.
    """

    name: str
    people: int | None


@dataclass(frozen=True)
class Origin:
    """What a release was made of, and what was known of it then; it does not change when the release is cut again.

    Attributes:
        snapshot_id: of machine_learning_curated, as text: it has more digits than other programs' numbers can hold.
        snapshot_ms: when that snapshot was made (epoch ms).
        lakehouse: the random number that the lakehouse keeps.
        policy: the rules by which it was made.
        shares: how many participants were to be in each part, in percent.
        note: what whoever created it had to say.
        version: of the platform.
        code_version: of the code that made the table.
        funnel: from registering to machine_learning_curated.
        steps: step readings of people who may be in it, and so the rows that its rows are selected from.
        withheld: how many of these are not in it, by reason.
        audits: what the standing audits said.
        gate: what the checks before publishing said of the table, by check.
        readings: readings of a participant: of a tenth of them at most, of half of them at most, of nine tenths.
        most_active: the share of all rows that the most active tenth of the participants has, in percent.
        ages: how old the participants were when they registered.
        on_evidence: how many rows of step_trainer_trusted rest on evidence; None where no row may.
        false_at_most: the share of those that may be somebody else's, at most, in percent.
    """

    snapshot_id: str
    snapshot_ms: int
    lakehouse: str
    policy: Mapping[str, object]
    shares: Shares
    note: str | None
    version: str
    code_version: str | None
    funnel: tuple[Step, ...]
    steps: int
    withheld: Mapping[str, int]
    audits: tuple[AuditOutcome, ...]
    gate: Mapping[str, str]
    readings: tuple[int, int, int] | None
    most_active: float | None
    ages: tuple[AgeBand, ...]
    on_evidence: int | None = None
    false_at_most: float | None = None


@dataclass(frozen=True)
class Release:
    """A release: what it was made of, and its revisions, the first one first."""

    name: str
    origin: Origin
    revisions: tuple[Revision, ...]

    @property
    def current(self) -> Revision:
        """The revision that there is now."""
        return self.revisions[-1]

    @property
    def rows_gone(self) -> int:
        """How many rows have gone since it was created."""
        return sum(revision.rows_gone for revision in self.revisions)

    def part(self, part: Part) -> PartFacts:
        """How much is in a part now."""
        return self.current.parts[part]


@dataclass(frozen=True)
class ExportedFile:
    """A Parquet file of an export.

    Attributes:
        path: below the export's folder, with slashes.
        part: whose participants it has.
        rows: how many rows.
        size: in bytes.
        sha256: of its bytes, in hexadecimal digits.
    """

    path: str
    part: Part
    rows: int
    size: int
    sha256: str
