"""The `reconciliation` audit: what came in is what is kept, withheld and quarantined, to the row."""

from collections.abc import Mapping

from stedi_dagster.audits.outcome import Outcome

CHECK = "reconciliation"


def audit_reconciliation(
    *,
    rows_in: int,
    kept: int,
    expected_kept: int | None = None,
    withheld: Mapping[str, int],
    quarantined: int = 0,
) -> Outcome:
    """Audit the books of one table.

    Args:
        rows_in: rows of the main input, counted when it was published or, for landing, when it was read.
        kept: rows kept, counted in the staged files.
        expected_kept: rows that the rules say are kept, counted apart from the staged files.
        withheld: rows left out, by reason.
        quarantined: records that could not be read.
    """
    counts = {"in": rows_in, "kept": kept, **{f"withheld: {k}": v for k, v in sorted(withheld.items())}}
    if quarantined:
        counts["quarantined"] = quarantined
    missing = rows_in - kept - sum(withheld.values()) - quarantined
    differing = 0 if expected_kept is None else expected_kept - kept
    if missing or differing:
        counts |= {"unaccounted for": missing or differing}
        return Outcome(CHECK, passed=False, summary="The rows do not add up.", counts=counts)
    return Outcome(CHECK, passed=True, summary="Every row is accounted for.", counts=counts)
