"""The `volume` audit of a feed: one that is suddenly empty, or much smaller, was cut off on its way here."""

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.run_tags import ACCEPT_VOLUME

CHECK = "volume"
# So few records are never worth a block, unless they are the last.
_FEW = 10


def audit_volume(feed: str, *, found: int, published: int | None, max_shrink: float, accepted: bool) -> Outcome:
    """Audit that a feed has not shrunk, against what is published of it.

    Records decide, and not files: whoever packs many files into one takes nothing away.

    Args:
        feed: its name.
        found: the records that it has, readable or not, without those of people who were erased.
        published: the same of what is published; None where nothing is.
        max_shrink: the largest share that may be missing, from 0 to 1.
        accepted: whether the operator says that it is meant.
    """
    if published is None:
        return Outcome(CHECK, passed=True, summary="Nothing was published before.", counts={"records": found})
    counts = {"records": found, "records published before": published}
    missing = published - found
    if missing <= 0 or (found and missing <= max(_FEW, max_shrink * published)):
        return Outcome(CHECK, passed=True, summary="The feed has not shrunk beyond the limit.", counts=counts)
    if accepted:
        return Outcome(CHECK, passed=True, summary="The feed has shrunk, which was accepted.", counts=counts)
    lost = "The feed is empty" if not found else f"{missing:,} records ({missing / published:.2%}) are missing"
    summary = (
        f"{lost}: {found:,} are there, {published:,} were published; the limit is {max_shrink:.2%}. Bring the missing "
        f"files back. If it is meant, say so once: stedi run --accept-volume {feed}, or the run's tag "
        f"{ACCEPT_VOLUME}={feed}."
    )
    return Outcome(CHECK, passed=False, summary=summary, counts=counts)
