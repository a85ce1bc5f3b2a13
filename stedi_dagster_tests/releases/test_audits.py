"""What the standing audits find in releases and of exports, each planted by hand."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from stedi_dagster.audits.standing.audit import Verdict
from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.audits.standing.judging import run_audits
from stedi_dagster.contracts import MlRelease
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.releases.exports import Exports
from stedi_dagster_tests.releases.worlds import PEOPLE, copy, forget, holding, make
from stedi_dagster_tests.scenario import T0, Scenario

Rows = list[tuple[Any, ...]]
STRANGER = "b0000000-0000-0000-0000-000000000000"


def verdicts(scenario: Scenario, *names: str) -> dict[str, Verdict]:
    audits = [audit for audit in AUDITS if audit.name in names]
    found = run_audits(audits, scenario.load_settings(), scenario.lakehouse(), consistent_read=nullcontext())
    return {verdict.audit.name: verdict for verdict in found}


def told(scenario: Scenario, name: str) -> dict[str, int]:
    verdict = verdicts(scenario, name)[name]
    assert verdict.error is None
    return {finding.problem: finding.rows for finding in verdict.findings}


def rewrite(scenario: Scenario, change: Callable[[Rows], Rows]) -> None:
    """Publish other rows of releases, as an error of the platform would."""
    rows = scenario.rows("ml_release")
    with holding(scenario) as lakehouse:
        table = lakehouse.ensure_table("ml_release", MlRelease)
        staged = lakehouse.stage(table, MlRelease)
        staged.write_rows(change(rows))
        lakehouse.prepare(table, staged.files(), SnapshotSummary(inputs="planted")).publish()


def elsewhere(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:-1], "test" if row[-1] != "test" else "train")


def test_nothing_is_found_where_there_is_no_release_and_where_all_is_well(world):
    assert told(world, "releases") == told(world, "exports") == told(world, "consent") == {}
    make(world)
    make(world, "second")
    assert told(world, "releases") == told(world, "exports") == told(world, "consent") == {}


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda rows: rows[1:], {"rows more or less than the last revision says": 1}),
        (lambda rows: [*rows, rows[0]], {"rows more or less than the last revision says": 1}),
        (
            lambda rows: [(*rows[0][:1], T0 + 7777, *rows[0][2:]), *rows[1:]],
            {"rows that machine_learning_curated does not have": 1},
        ),
        (
            lambda rows: [*rows[:-1], elsewhere(rows[-1])],
            {"rows more or less than the last revision says": 2, "rows of participants who are in two parts": None},
        ),
        (
            lambda rows: [(*row[:6], "unknown", row[7]) for row in rows],
            {"rows more or less than the last revision says": 120},
        ),
    ],
)
def test_a_planted_error_is_found(world, change, problems):
    make(world)
    # The last one is of somebody with several rows.
    rewrite(world, lambda rows: change(sorted(rows, key=lambda row: [r[0] for r in rows].count(row[0]))))
    found = told(world, "releases")
    assert found.keys() == problems.keys()
    assert {name: rows for name, rows in found.items() if problems[name] is not None} == {
        name: rows for name, rows in problems.items() if rows is not None
    }


def test_a_participant_who_changed_parts_between_two_releases_is_found(world):
    make(world)
    make(world, "second")
    someone = world.rows("ml_release")[0][0]
    rewrite(world, lambda rows: [elsewhere(row) if row[0] == someone and row[6] == "second" else row for row in rows])
    assert told(world, "releases")["rows of participants who are in two parts"] == 2 * sum(
        1 for row in world.rows("ml_release") if row[0] == someone and row[6] == "first"
    )


def test_rows_of_somebody_who_never_agreed_are_found_by_their_contract(world):
    make(world)
    rewrite(world, lambda rows: [*rows, (STRANGER, *rows[0][1:])])
    assert told(world, "consent") == {"rows of people who do not agree to research": 1}
    verdict = verdicts(world, "consent")["consent"]
    assert [finding.table for finding in verdict.findings] == ["ml_release"]
    assert verdict.fails


def test_a_copy_that_has_somebody_who_left_is_a_warning_until_it_is_destroyed(world, tmp_path):
    make(world)
    number = copy(world, tmp_path / "copy").export.number
    forget(world, PEOPLE[0])
    verdict = verdicts(world, "exports")["exports"]
    assert [finding.rows for finding in verdict.findings] == [1]
    assert (verdict.passed, verdict.fails) == (False, False)
    assert world.run().success
    copy(world, tmp_path / "again")
    assert sum(told(world, "exports").values()) == 1
    with holding(world) as lakehouse:
        Exports(lakehouse).destroyed(number)
    assert told(world, "exports") == {}


def test_a_release_whose_revisions_are_lost_is_told(world):
    make(world)
    with holding(world) as lakehouse:
        table = lakehouse.table("release_revisions")
        assert table is not None
        lakehouse.catalog.drop_table(table.name())
    assert told(world, "releases") == {"rows more or less than the last revision says": 60}
