"""A violation of each kind, committed behind the platform's back, is told by `stedi audit` and by Dagster's check."""

import pytest

from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster_tests.audits.standing.auditing import Audited, audit_job, found
from stedi_dagster_tests.scenario import Scenario, counts
from stedi_dagster_tests.sql.violations import VIOLATIONS
from stedi_dagster_tests.sql.violations.rows import NUMBERS, named
from stedi_dagster_tests.sql.worlds import planted

# One of each kind; test_verify puts every question to many.
KINDS = (
    "readings of who refused",
    "another's reading",
    "a person twice",
    "a step of a shared trainer",
    "a reading twice",
    "a reading of nobody",
    "lost readings, steps and pairs",
    "an address for a number",
)


@pytest.mark.parametrize("violation", KINDS)
def test_a_violation_is_caught(world: Scenario, audited: Audited, violation: str) -> None:
    audit, changes, _, expected = VIOLATIONS[violation]
    numbers = dict(world.rows(NUMBERS))
    with planted(world, {table: named(change, numbers) for table, change in changes.items()}):
        code, told = audited(world)
        evaluations = audit_job(world)
    assert code == 1
    assert told[audit]["outcome"] == "ERROR"
    assert found(told, audit) == expected
    for table in {table for table, *_ in expected}:
        evaluation = evaluations[table, f"standing_{audit}"]
        assert not evaluation.passed
        assert evaluation.severity.value == "ERROR"
        assert counts(evaluation) == {problem: rows for where, problem, rows in expected if where == table}
        assert evaluation.metadata["rows"].value == sum(counts(evaluation).values())
    others = {table for name, on in ((a.name, a.on) for a in AUDITS) if name == audit for table in on} - {
        table for table, *_ in expected
    }
    assert all(evaluations[table, f"standing_{audit}"].passed for table in others)


def test_every_question_is_an_audit_and_is_put_to_a_violation() -> None:
    from stedi_dagster.sql.library import VERIFY

    questions = {file.stem for file in VERIFY.glob("*.sql")}
    # Those of releases are put to theirs where releases are tested.
    assert {VIOLATIONS[kind][0] for kind in KINDS} == questions - {"releases", "exports"}
    assert questions | {"files", "freshness", "history", "withdrawals"} == {audit.name for audit in AUDITS}
