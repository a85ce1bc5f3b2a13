"""The report tells of releases, and of copies that must be replaced."""

import re

from stedi_dagster.report.page import render
from stedi_dagster_tests.releases.worlds import PEOPLE, copy, forget, make, withdraw
from stedi_dagster_tests.report.gathered import facts_of


def words(page: str) -> str:
    section = page.partition('<section aria-labelledby="releases">')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", section).split())


def test_where_no_release_was_made_the_report_says_so(world):
    facts = facts_of(world)
    assert (facts.releases, facts.exports) == ((), ())
    assert "No release has been made." in words(render(facts))


def test_releases_and_who_has_copies_that_must_be_replaced(world, tmp_path):
    make(world)
    assert "No copy of a release has been handed out." in words(render(facts_of(world)))
    number = copy(world, tmp_path / "copy", recipient="gait <lab>").export.number
    assert "current" in words(render(facts_of(world)))
    withdraw(world, PEOPLE[3])
    assert world.run().success
    forget(world, PEOPLE[7])
    assert world.run().success
    copy(world, tmp_path / "again", recipient="another lab")
    facts = facts_of(world)
    [release] = facts.releases
    assert (release.name, release.revision, release.rows, release.participants) == ("first", 3, 52, 22)
    assert (release.rows_gone, release.participants_gone) == (8, 2)
    assert [(one.recipient, one.revision, one.must_be_replaced) for one in facts.exports] == [
        ("gait <lab>", 1, True),
        ("another lab", 3, False),
    ]
    said = words(render(facts))
    assert f"{number[:8]} first , revision 1 gait &lt;lab&gt;" in said
    assert said.count("must be replaced: rows have had to go since") == 1
    # The audit of copies warns, and says how many.
    assert facts.state == "warns"
