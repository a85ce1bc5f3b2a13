"""What every description of a release says in sentences: `card` and `croissant` arrange it. They escape it, too."""

from decimal import ROUND_CEILING, Decimal

from stedi_dagster.releases.facts import AgeBand, Release, Revision
from stedi_dagster.report.facts import State
from stedi_dagster.report.page import day, minute, rules, share
from stedi_dagster.wording import counted

CREATOR = "STEDI"
KEYWORDS = ("accelerometer", "balance", "pseudonymised", "sensor readings", "step detection", "time series")
LICENSE = (
    "No public licence: for research that the people in it agreed to, by whoever can replace every copy when there is "
    "a newer revision"
)
USES = ("Research, and training and judging a step detector for it: that is what everybody in it agreed to.",)
NOT_FOR = (
    "Anything else: nobody in it agreed to it.",
    "Trying to find out who a participant is, by these data alone or together with others: that is not allowed.",
)
PERSONAL = (
    "It has personal data all the same: a participantId is a pseudonym, and whoever runs the lakehouse can tell whose "
    "it is (GDPR, Art. 4(5) and Recital 26)."
)
DUTIES = (
    PERSONAL,
    (
        "When there is a newer revision, use that one, and delete every copy of this one and all that was cut from it: "
        "it has rows that had to go, as of people who withdrew or were erased (GDPR, Art. 7(3) and 17)."
    ),
    "Know who has a copy: each of them must be told of a newer revision (GDPR, Art. 19).",
    "Say of whatever is trained on it which release and which revision that was.",
)
COLLECTION = (
    "Readings are delivered by the balance trainer (steps) and by its phone app (accelerometer) while people use them; "
    "who they are and whether they agree to research, by the website where they register."
)
EMPTY = "There is no row in it."
# A band of fewer people could tell who is in it.
_FEWEST = 10


def description(release: Release) -> str:
    """What it is, in two sentences."""
    whose = (
        "that person's accelerometer reading of the same time"
        if release.origin.policy["match"] == "person"
        else "the accelerometer readings of the same time, whoever they belong to"
    )
    return (
        f"Step readings of the STEDI balance trainer, each with {whose}, to train a step detector on. Only people who "
        "agreed to research are in it, each under a random number and in one part alone: train, validation or test."
    )


def span(revision: Revision) -> str:
    """From when to when readings were taken."""
    if revision.first_ms is None or revision.last_ms is None:
        return "no reading is left"
    return f"{minute(revision.first_ms)} to {minute(revision.last_ms)} UTC"


def selection(release: Release) -> tuple[str, ...]:
    """How its rows were chosen."""
    origin, first = release.origin, release.revisions[0]
    withheld = "; ".join(f"{rows:,} {reason}" for reason, rows in origin.withheld.items()) or "none"
    made = (
        f"Of {counted(origin.steps, 'step readings')} of people who may be in it, these were withheld: {withheld}. "
        f"The others made {counted(first.rows, 'rows')}."
    )
    train, validation, test = origin.shares
    parted = (
        "Who is in which part follows from the participantId alone, so that nobody is in two and nobody ever changes: "
        f"{train} % of the participants were to be in train, {validation} % in validation, {test} % in test."
    )
    return rules(origin.policy), made, parted


def biases(release: Release) -> tuple[str, ...]:
    """What is known of how it differs from all people: as when it was created, like all that `origin` says."""
    origin = release.origin
    said = ["Only people who agreed to research are in it, who may differ from those who did not."]
    if origin.readings is not None:
        tenth, half, most = origin.readings
        said.append(
            f"Some have many more readings than others: a tenth of the participants had at most {tenth:,} each when it "
            f"was created, half of them at most {half:,}, and nine tenths at most {most:,}."
        )
    if origin.most_active is not None:
        said.append(
            f"The most active tenth of the participants had {share(origin.most_active, 100)} % of all rows when it was "
            "created."
        )
    return tuple(said)


def about(band: AgeBand) -> str:
    """About how many people are in a band of ages; never a number below ten."""
    return f"about {band.people:,}" if band.people is not None and band.people >= _FEWEST else "fewer than 10"


def limitations(release: Release) -> tuple[str, ...]:
    """What to be careful about."""
    said = ["All that is said of people, of what was withheld, and of ages is as when the release was created."]
    if release.origin.policy["match"] != "person":
        said.append("A row may pair the readings of two people: they are paired by time alone.")
    if evidence := on_evidence(release):
        said.append(evidence)
    if not release.current.rows:
        said.append(EMPTY)
    return tuple(said)


def on_evidence(release: Release) -> str | None:
    """How many readings are only taken to be somebody's; None where none may be."""
    rows, at_most = release.origin.on_evidence, release.origin.false_at_most
    if rows is None:
        return None
    said = (
        f"{counted(rows, 'step readings')} of step_trainer_trusted rested on evidence of whose they are when the "
        "release was created"
    )
    return f"{said}." if at_most is None else f"{said}; at most {_bound(at_most)} % of them may be somebody else's."


def _bound(percent: float) -> str:
    """A percentage that is no smaller than it is: to be a bound, it is rounded up."""
    return f"{Decimal(str(percent)).quantize(Decimal('0.01'), ROUND_CEILING).normalize():f}"


def worst(release: Release) -> State:
    """The state of the worst standing audit; where none was asked, that is a warning."""
    states = {audit.state for audit in release.origin.audits}
    return "failed" if "failed" in states else "passed" if states == {"passed"} else "warns"


def audited(release: Release) -> str:
    """What the standing audits said, in one sentence."""
    states = [audit.state for audit in release.origin.audits]
    if not states:
        return "No standing audit was asked when it was created."
    outcomes = (("passed", "passed"), ("warns", "warned"), ("failed", "failed"))
    found = ", ".join(f"{states.count(state)} {word}" for state, word in outcomes if state in states)
    return f"Of {counted(len(states), 'standing audits')}, {found} when it was created."


def maintenance(release: Release) -> str:
    """What becomes of it."""
    return (
        "When somebody in it withdraws or is erased, it is cut again without them and gets a new revision; nothing is "
        f"ever added. This is revision {release.current.number}, of {day(release.current.made_ms)}; since it was "
        f"created, {counted(release.rows_gone, 'rows')} of {counted(participants_gone(release), 'participants')} have "
        "gone."
    )


def participants_gone(release: Release) -> int:
    """How many participants have gone since it was created."""
    return sum(revision.participants_gone for revision in release.revisions)


def citation(release: Release) -> str:
    """How to cite it."""
    return (
        f"{CREATOR}: {release.current.name} ({day(release.current.made_ms)}). Snapshot {release.origin.snapshot_id} of "
        f"machine_learning_curated, lakehouse {release.origin.lakehouse}."
    )
