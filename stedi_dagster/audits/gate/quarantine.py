"""The `quarantine` audit of a feed: a source of which too much cannot be read is broken, not quirky."""

from collections.abc import Mapping

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.landing.weight import bad_records

CHECK = "quarantine"


def audit_quarantine(
    *,
    records: int,
    quarantined: Mapping[str, int],
    files: Mapping[str, int],
    max_share: float,
    shares: Mapping[str, float] | None = None,
    hidden: Mapping[str, str] | None = None,
) -> Outcome:
    """Audit the share of a feed's records that cannot be read: the largest of those of its texts, lines and bytes.

    Args:
        records: all records found, readable or not.
        quarantined: those that are not, by reason.
        files: the files with the most of those.
        max_share: the largest share that is accepted, from 0 to 1.
        shares: the unreadable shares of its lines and bytes, from 0 to 1.
        hidden: the files in which nothing can be read though people may have withdrawn there, with what they are; there
            may be none.
    """
    bad = sum(quarantined.values())
    strays = bad - bad_records(quarantined)
    share = (bad - strays) / (records - strays) if records > strays else 0.0
    worse = {what: found for what, found in (shares or {}).items() if found > max(share, max_share)}
    counts = {
        "records": records,
        "quarantined": bad,
        **{f"quarantined: {k}": v for k, v in sorted(quarantined.items())},
        **{f"in {k}": v for k, v in files.items()},
    }
    summary = f"{bad} of {records} records ({share:.2%}) are quarantined; the limit is {max_share:.2%}."
    if worse:
        summary += f" Of its {' and '.join(f'{what} {found:.2%}' for what, found in worse.items())} cannot be read."
    if hidden:
        named = ", ".join(f"{name} ({what})" for name, what in hidden.items())
        summary += (
            f" Nothing, or not everything, can be read of {named}: who withdraws there would not be seen. Deliver it "
            "as JSON, or move it out of the feed."
        )
    return Outcome(CHECK, passed=share <= max_share and not worse and not hidden, summary=summary, counts=counts)
