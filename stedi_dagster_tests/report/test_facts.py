"""What a report says is what is there: counted, recorded, audited."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import TABLES
from stedi_dagster.errors import StediError
from stedi_dagster.report.gather import DEFAULT_DAYS, beginning
from stedi_dagster.report.page import render
from stedi_dagster_tests.defs.assets.builders import ANN, BOB, CID, three_people
from stedi_dagster_tests.erasure.unique_person import forget
from stedi_dagster_tests.report.gathered import begin_erasure, facts_of
from stedi_dagster_tests.scenario import T0, customer
from stedi_dagster_tests.sql.worlds import adding, planted


def test_the_funnel_counts_records_and_then_people(world):
    facts = facts_of(world)
    assert [(step.name, step.total) for step in facts.funnel] == [
        ("customer records", 17),
        ("people", 14),
        ("who agree to research", 9),
        ("in customer_trusted", 9),
        ("with accelerometer readings", 9),
        ("with step readings", 7),
        ("in machine_learning_curated", 7),
    ]
    assert facts.lost == (0, 3, 5, 0, 0, 2, 0)
    assert facts.consents is not None
    assert (facts.consents.ever, facts.consents.withdrew) == (13, 4)


def test_every_table_is_there_with_what_its_run_recorded(world):
    facts = facts_of(world)
    assert [table.name for table in facts.tables] == list(TABLES)
    for table in facts.tables:
        published = world.lakehouse().table(table.name)
        assert published is not None
        assert table.snapshot_id == str(published.metadata.current_snapshot_id)
        assert table.rows == len(world.rows(table.name))
        assert table.code == table.code_now == code_version(TABLES[table.name])
        assert table.policy == (None if table.name.endswith("_landing") else facts.policy)
        assert table.snapshots == len(published.metadata.snapshots)
        assert table.books is not None
        assert table.books.rows_in == table.books.kept + sum(table.books.withheld.values())
    [landed, trusted] = [
        table.books for table in facts.tables if table.name in {"customer_landing", "customer_trusted"}
    ]
    assert landed is not None
    assert trusted is not None
    assert landed.withheld == {"quarantined: phone has the wrong type": 2, "quarantined: not JSON": 1}
    assert trusted.withheld["no consent to research"] > 0


def test_the_quarantine_is_counted_by_reason(world):
    assert [(found.feed, found.reason, found.texts, found.files) for found in facts_of(world).quarantined] == [
        ("customer", "phone has the wrong type", 2, 1),
        ("customer", "not JSON", 1, 1),
    ]


def test_all_is_well_where_every_audit_passes(world):
    facts = facts_of(world)
    assert facts.state == "passed"
    assert facts.verdict == f"All {len(facts.audits)} audits passed."
    assert facts.keeps_history == "passed"


def test_what_was_committed_behind_the_platforms_back_fails_and_is_shown_as_such(three_published):
    world = three_published
    [row] = [row for row in world.query("SELECT * FROM customer_landing") if BOB in row]
    columns = [name for name, *_ in world.query("DESCRIBE customer_landing")]
    with planted(world, {"customer_trusted": adding(dict(zip(columns, row, strict=True)))}):
        facts = facts_of(world)
    assert facts.state == "failed"
    assert facts.verdict.startswith(f"{sum(audit.state == 'failed' for audit in facts.audits)} of")
    [consent] = [audit for audit in facts.audits if audit.name == "consent"]
    assert [(found.table, found.rows) for found in consent.problems] == [("customer_trusted", 1)]
    assert facts.lost[3] == -1
    [trusted] = [table for table in facts.tables if table.name == "customer_trusted"]
    assert (trusted.books, trusted.code, trusted.policy) == (None, None, None)
    page = render(facts)
    assert "+ 1 too many" in page
    assert "not by a run of the platform" in page
    assert BOB not in page


def test_erasures_are_those_of_the_period_and_one_that_is_not_done_is_a_warning(three_published):
    world = three_published
    begun = begin_erasure(world)
    facts = facts_of(world)
    assert [(each.number, each.begun_ms, each.completed_ms) for each in facts.erasures] == [
        (begun.number, begun.erased_at_ms, None)
    ]
    assert facts.unfinished == facts.erasures
    assert facts.state == "warns"
    assert facts.verdict.endswith("; 1 erasure is not done.")
    assert "1 erasure is not done:" in render(facts)
    earlier = replace(facts, erasures=())
    assert "Nobody has been erased since" in render(earlier)
    assert "1 erasure is not done:" in render(earlier)


def test_rows_that_an_erasure_took_since_the_last_run_are_told_apart_from_what_it_kept(three_published):
    world = three_published
    before = {table.name: table for table in facts_of(world).tables}
    receipt = {table["table"]: table["rows"] for table in forget(world, ANN)["tables"]}
    facts = facts_of(world)
    for table in facts.tables:
        books, kept = table.books, before[table.name].books
        assert books is not None
        assert kept is not None
        assert (books.rows_in, books.withheld, books.kept) == (kept.rows_in, kept.withheld, kept.kept)
        assert books.erased == receipt[table.name] == before[table.name].rows - table.rows
    assert receipt["customer_trusted"] == 1
    rows = {table.name: table.rows for table in facts.tables}
    assert f"rows erased since, which leaves {rows['customer_trusted']}" in render(facts)
    assert world.run().success
    assert "rows erased since" not in render(facts_of(world))


def test_rows_of_who_withdrew_in_a_refused_feed_are_counted_as_withheld_beside_those_of_an_erasure(three_published):
    world = three_published
    before = {table.name: table.rows for table in facts_of(world).tables}
    world.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 5000), name="later.json")
    junk = world.land_text("customer", "junk\n" * 99, name="junk.json")
    assert not world.run().success
    facts = facts_of(world)
    gone = {table.name: table.books.withdrawn for table in facts.tables if table.books}
    assert gone == {table.name: before[table.name] - table.rows for table in facts.tables}
    assert (gone["customer_landing"], gone["customer_trusted"]) == (0, 1)
    told = "rows withheld since, of people who withdrew in a feed that was refused"
    assert f"{told}, which leaves 1<" in render(facts)
    forget(world, CID)
    erased = facts_of(world)
    [books] = [table.books for table in erased.tables if table.name == "customer_trusted"]
    assert books is not None
    assert (books.withdrawn, books.erased) == (1, 1)
    page = render(erased)
    assert f"{told}<" in page
    assert "rows erased since, which leaves 0" in page
    junk.unlink()
    assert world.run().success
    assert told not in render(facts_of(world))


def test_other_rules_than_those_in_force_are_told(world):
    page = render(facts_of(world, preset="as-of"))
    assert "no reading may be older than the agreement" in page
    assert page.count("(others now)") == len(TABLES) - 3


def test_without_every_table_there_is_a_report_that_says_so(tmp_path, sail_url):
    world = three_people(tmp_path)
    assert world.run(job="landing", engine=sail_url).success
    facts = facts_of(world)
    assert facts.funnel == ()
    assert facts.state == "failed"
    page = render(facts)
    assert "There is no funnel" in page
    assert "It could not run" in page


def test_why_an_audit_could_not_run_is_not_told_because_it_may_name_files(three_published):
    world = three_published
    shutil.rmtree(world.landing)
    facts = facts_of(world)
    assert {audit.name for audit in facts.audits if not audit.ran} == {"withdrawals"}
    page = render(facts)
    assert "could not run" in page
    assert str(world.folder) not in page
    assert ANN not in page


def test_the_default_period_begins_thirty_days_ago_and_a_given_one_with_its_day():
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert beginning(None) == (today - timedelta(days=DEFAULT_DAYS)).timestamp() * 1000
    assert beginning("2022-06-18") == datetime(2022, 6, 18, tzinfo=UTC).timestamp() * 1000
    for wrong, reason in (("18.6.2022", "is not a date"), ("2999-01-01", "in the future")):
        with pytest.raises(StediError, match=reason):
            beginning(wrong)
