"""The page of tables: from their contracts."""

import inspect

from docs.generator import markdown as md
from docs.generator.sources import RELEASES, RESTRICTED, TABLES, Contract, checks_of

_INTRODUCTION = """
Each table is an Iceberg table with a contract in `stedi_dagster/contracts/`, the only place where its columns are
written down. By which rules rows are kept is in [Consent](../explanation/consent.md).

*Personal*: `yes` names or contacts somebody, or identifies their device; `pseudonym` stands for somebody without naming
them, and is personal data all the same (GDPR, Art. 4(5) and Recital 26). *Whose*: by which column a row is somebody's
(`person`, `device`, `participant`), what tells something of them (`name`, `telephone`), and the `moment` that is held
against the time of an agreement and of an erasure. Moments are milliseconds since 1970-01-01 UTC,
and lie between 2000 and a day after the run.
"""
_RELEASES = """
## Releases

These are there once somebody has [made a release](../how-to/make-a-release.md).
"""
_RESTRICTED = """
## Restricted tables

These are in a database of their own, `stedi_restricted` (`<database>_restricted`), for operators only. `stedi sql`
knows them by their bare names; `quarantine` is the three quarantines together.
"""


def page() -> str:
    """The page."""
    gate = checks_of()
    described = [_described(name, contract, "##", gate[name]) for name, contract in TABLES.items()]
    return md.page(
        "Tables",
        _INTRODUCTION,
        *described,
        _RELEASES,
        *(_described(name, contract, "###", []) for name, contract in RELEASES.items()),
        _RESTRICTED,
        *(_described(", ".join(names), contract, "###", []) for contract, names in _by_contract().items()),
    )


def _by_contract() -> dict[type[Contract], list[str]]:
    """The restricted tables that have the same columns."""
    found: dict[type[Contract], list[str]] = {}
    for name, contract in RESTRICTED.items():
        found.setdefault(contract, []).append(name)
    return found


def _described(name: str, contract: type[Contract], level: str, checks: list[str]) -> str:
    parts = [f"{level} {name}", inspect.cleandoc(contract.__doc__ or "")]
    if unique := contract.unique():
        parts.append(f"One row for each {md.codes(unique)}.")
    if checks:
        parts.append(f"[Checks](checks.md#the-gate) before publishing: {md.codes(checks)}.")
    columns = [
        (
            md.code(spec.name),
            md.code(spec.type.simpleString()),
            "yes" if spec.nullable else "",
            "" if spec.personal == "no" else spec.personal,
            spec.identifies or spec.describes or ("moment" if spec.event_time else ""),
            spec.meaning,
        )
        for spec in contract.columns()
    ]
    parts.append(md.table(("column", "type", "may be null", "personal", "whose", "meaning [unit]"), columns))
    return "\n\n".join(parts)
