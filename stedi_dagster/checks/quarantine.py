"""The `quarantine` audit of a feed: a source of which too much cannot be read is broken, not quirky."""

from collections.abc import Mapping

from stedi_dagster.checks.outcome import Outcome

CHECK = "quarantine"


def audit_quarantine(
    *, records: int, quarantined: Mapping[str, int], files: Mapping[str, int], max_share: float
) -> Outcome:
    """Audit the share of a feed's records that cannot be read.

    Args:
        records: all records found, readable or not.
        quarantined: those that are not, by reason.
        files: the files with the most of those.
        max_share: the largest share that is accepted, from 0 to 1.
    """
    bad = sum(quarantined.values())
    share = bad / records if records else 0.0
    counts = {
        "records": records,
        "quarantined": bad,
        **{f"quarantined: {k}": v for k, v in sorted(quarantined.items())},
        **{f"in {k}": v for k, v in files.items()},
    }
    summary = f"{bad} of {records} records ({share:.2%}) are quarantined; the limit is {max_share:.2%}."
    return Outcome(CHECK, passed=share <= max_share, summary=summary, counts=counts)
