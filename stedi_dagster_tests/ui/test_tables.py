"""What people see of the tables in the UI that `stedi ui` serves; and what a read-only one lets nobody do."""

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect
from tenacity import Retrying, stop_after_delay, wait_fixed

from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.assets.report import GROUP as REPORTS
from stedi_dagster_tests.defs.assets.graph import ALL, GROUPS, READ
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.ui import pages
from stedi_dagster_tests.ui.attacker import ATTEMPTS, attacking
from stedi_dagster_tests.ui.pages import Browser
from stedi_dagster_tests.ui.server import PRODUCT, serving
from stedi_dagster_tests.ui.story import land_withdrawals

pytestmark = [pytest.mark.browser, pytest.mark.long]

# The sensor of withdrawals looks every 30 seconds, and a run takes a few.
WITHDRAWN_WITHIN = 400


@pytest.fixture(scope="module")
def ui(world: Scenario, chromium: str) -> Iterator[str]:
    """`stedi ui` over a landing zone of which nothing is published yet."""
    with serving(world) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.page


@pytest.fixture(scope="module")
def materialized(browser: Browser, ui: str, world: Scenario) -> Scenario:
    """Everything, after a click on the button of the graph."""
    pages.open_graph(browser.page, ui)
    pages.materialize_all(browser.page)
    for table in TABLES:
        pages.wait_for_state(browser.page, table, "Materialized")
    return world


def test_the_graph_shows_eight_tables_in_three_groups_with_their_edges(page, ui):
    pages.open_graph(page, ui)
    graph = pages.read_graph(page)
    assert graph.tables == {table: group for group, tables in GROUPS.items() for table in tables}
    # Of the groups that are closed, only the group is drawn.
    drawn = {name: group for group in ALL.keys() - GROUPS.keys() for name in ALL[group]}
    made_from = {
        (drawn.get(upstream, upstream), drawn.get(table, table)) for table, read in READ.items() for upstream in read
    }
    edges = {(upstream, table) for upstream, table in made_from if upstream != table}
    assert graph.edges == edges | {("machine_learning_curated", REPORTS)}


def test_materializing_everything_turns_every_table_green(page, ui, materialized):
    pages.open_graph(page, ui)
    for table in TABLES:
        said = pages.wait_for_state(page, table, "Materialized")
        assert pages.colour(said) == "green"
    assert len(materialized.rows("machine_learning_curated")) > 0


def test_a_tables_page_tells_how_many_rows_it_has(page, ui, materialized):
    pages.open_table(page, ui, "customer_trusted")
    expect(pages.row_count(page)).to_contain_text(str(len(materialized.rows("customer_trusted"))))


def test_a_tables_page_describes_every_column_and_tells_where_it_comes_from(page, ui, materialized):
    pages.open_table(page, ui, "customer_trusted")
    shown = pages.columns(page)
    contract = TABLES["customer_trusted"].columns()
    assert list(shown) == [column.name.lower() for column in contract]
    for column in contract:
        said = shown[column.name.lower()]
        assert column.meaning in said
        assert f"from: customer_landing.{column.name}" in said
        assert f"personal_data: {column.personal}" in said
        assert column.type.simpleString() in said


def test_the_rows_withheld_are_drawn(page, ui, materialized):
    pages.open_table(page, ui, "customer_trusted", view="events")
    picture = page.get_by_role("img", name="kept and withheld rows")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    source = unquote(picture.get_attribute("src") or "")
    drawn = base64.b64decode(source.partition("base64,")[2]).decode()
    kept, landed = (len(materialized.rows(table)) for table in ("customer_trusted", "customer_landing"))
    assert f"kept: {kept:,} (" in drawn
    assert f"no consent to research: {landed - kept:,} (" in drawn


def test_the_audits_can_be_run_and_pass(page, ui, materialized):
    pages.launch(page, ui, PRODUCT, "audit")
    pages.open_table(page, ui, "customer_trusted", view="checks")
    for audit in ("standing_consent", "standing_reconciliation", "standing_one_row_a_person"):
        expect(pages.verdict(page, audit)).to_have_text("Succeeded")


def test_a_withdrawal_that_lands_takes_the_person_out_without_anybody_doing_anything(page, ui, materialized):
    [withdrawal] = land_withdrawals(materialized, 1)
    gone = f"SELECT * FROM customer_trusted WHERE email = '{withdrawal['email'].strip().lower()}'"
    assert materialized.query(gone) != []
    for attempt in Retrying(stop=stop_after_delay(WITHDRAWN_WITHIN), wait=wait_fixed(0.5), reraise=True):
        with attempt:
            assert materialized.query(gone) == []
    pages.open_table(page, ui, "customer_trusted")
    expect(pages.row_count(page)).to_contain_text(str(len(materialized.rows("customer_trusted"))))


def test_a_read_only_ui_shows_everything_and_lets_nobody_run_anything(page, materialized):
    with serving(materialized, "--read-only") as read_only:
        pages.open_graph(page, read_only)
        for table in TABLES:
            pages.wait_for_state(page, table, "Materialized")
        expect(page.get_by_role("button", name="Materialize all")).to_be_disabled()
        pages.open_table(page, read_only, "customer_trusted")
        expect(page.get_by_role("button", name=re.compile(r"Materialize$"))).to_be_disabled()
        refused = page.request.post(
            f"{read_only}/graphql",
            data={"query": 'mutation { deletePipelineRun(runId: "any") { __typename } }'},
        )
        assert refused.json()["data"]["deletePipelineRun"]["__typename"] == "UnauthorizedError"


_LAUNCH = """mutation { launchRun(executionParams: {runConfigData: {}, selector: {jobName: "audit",
    repositoryLocationName: "stedi_dagster.definitions", repositoryName: "__repository__"}}) { __typename } }"""


def runs_of_the_audits(page: Page, ui: str) -> int:
    query = '{ runsOrError(filter: {pipelineName: "audit"}) { ... on Runs { results { runId } } } }'
    return len(page.request.post(f"{ui}/graphql", data={"query": query}).json()["data"]["runsOrError"]["results"])


def test_a_page_of_somebody_else_in_the_same_browser_starts_nothing(page, browser, ui):
    before = runs_of_the_audits(page, ui)
    with attacking(ui, _LAUNCH) as elsewhere, browser.page_of_somebody_else() as stranger:
        stranger.goto(elsewhere)
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True):
            with attempt:
                told = json.loads(stranger.locator("body").get_attribute("data-told") or "{}")
                assert set(told) == set(ATTEMPTS)
    assert (told["image"], told["text"], told["json"], told["socket"]) == ("error",) * 4
    assert runs_of_the_audits(page, ui) == before
    # It would have been started by the same question of a page of ours.
    own = page.request.post(f"{ui}/graphql", data={"query": _LAUNCH}).json()
    assert own["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"
    by_a_strange_name = page.request.post(f"{ui}/graphql", data={"query": _LAUNCH}, headers={"Host": "rebound.example"})
    assert by_a_strange_name.status == 403
    assert runs_of_the_audits(page, ui) == before + 1


def test_the_ui_asks_nobody_but_this_machine(browser, ui):
    pages.open_graph(browser.page, ui)
    pages.open_table(browser.page, ui, "customer_trusted")
    expect(browser.page.get_by_text("Definition", exact=True)).to_be_visible()
    assert browser.hosts() == {"127.0.0.1"}
