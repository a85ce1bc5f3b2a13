"""The page of checks: those of the gate, and the standing audits."""

from docs.generator import markdown as md
from docs.generator.sources import AUDITS, CHECKS, SQL, TABLES, checks_of

_GATE = """
## The gate

New content is checked after it is written and before anybody can read it. A check that fails, or cannot run, publishes
nothing; one that only warns does not block. How that works is in [Publishing](../explanation/publishing.md).
"""
_STANDING = """
## Standing audits

`stedi audit` puts these questions to what *is* published. In Dagster each is a check named `standing_` and its name, on
every table it is about. *Severity* is that of a finding that does not say so itself: some findings of an audit that
warns are errors, as the page on [failed checks](../how-to/a-failed-check.md) tells. How audits work is in
[Standing audits](../explanation/audits.md).
"""


def page() -> str:
    """The page."""
    on = checks_of()
    gate = [
        (_linked(name), _tables([table for table, checks in on.items() if name in checks]), passes_when)
        for name, passes_when in CHECKS.items()
    ]
    standing = [
        (
            _linked(audit.name, audit.check),
            _tables(audit.on),
            audit.question,
            "error" if audit.severity == "ERROR" else "warning",
            md.code(f"sql/verify/{audit.name}.sql") if (SQL / "verify" / f"{audit.name}.sql").exists() else "Python",
        )
        for audit in AUDITS
    ]
    return md.page(
        "Checks and audits",
        "What to do when one fails is in [A failed check](../how-to/a-failed-check.md).",
        _GATE,
        md.table(("check", "on", "passes when"), gate),
        _STANDING,
        md.table(("audit", "on", "question", "severity", "asked in"), standing),
    )


def _linked(name: str, heading: str | None = None) -> str:
    return f"[`{name}`](../how-to/a-failed-check.md#{heading or name})"


def _tables(names: list[str] | tuple[str, ...]) -> str:
    return "all eight tables" if set(names) == set(TABLES) else md.codes(names)
