"""A withdrawal lands, and a rule with a bug lets the people stay: what the UI shows of it, and who is told."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from playwright.sync_api import expect
from tenacity import Retrying, stop_after_delay, wait_fixed

from stedi_dagster.contracts import MlRelease, Participants
from stedi_dagster.keys import key_of
from stedi_dagster_tests.alerts.listeners import Webhook, webhook
from stedi_dagster_tests.defs.assets.builders import below, contents
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.ui import forgetful, pages
from stedi_dagster_tests.ui.pages import Browser
from stedi_dagster_tests.ui.server import serving
from stedi_dagster_tests.ui.story import land_withdrawals

pytestmark = [pytest.mark.browser, pytest.mark.long]

LOCATION = forgetful.__name__
WITHDRAWN = 2
# The sensor of alerts looks every 30 seconds.
ALERT_SECONDS = 400


@pytest.fixture(scope="module")
def told() -> Iterator[Webhook]:
    """A webhook, and what it was told."""
    with webhook() as found:
        yield found


@pytest.fixture(scope="module")
def before(published: Scenario) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table before the withdrawal."""
    return contents(published)


@pytest.fixture(scope="module")
def withdrew(published: Scenario, before: Any) -> set[str]:
    """The keys of those who have withdrawn in what landed last."""
    found = {key_of(record["email"]) for record in land_withdrawals(published, WITHDRAWN)}
    assert len(found) == WITHDRAWN
    return found


@pytest.fixture(scope="module")
def ui(published: Scenario, withdrew: set[str], told: Webhook) -> Iterator[str]:
    """`stedi ui` with a rule that has a bug, and the withdrawals landed."""
    with serving(published, definitions=LOCATION, alert_urls=told.url) as url:
        yield url


@pytest.fixture(scope="module")
def run(browser: Browser, ui: str) -> str:
    """The page of a run of everything that has failed."""
    pages.open_job(browser.page, ui, LOCATION, "everything")
    pages.materialize_all(browser.page)
    pages.open_failed_run(browser.page, ui)
    return browser.page.url


def test_the_failed_consent_check_is_red_and_has_its_counts(browser, ui, run):
    page = browser.page
    pages.open_table(page, ui, "customer_trusted", view="checks", checkDetail="consent")
    expect(pages.verdict(page, "consent")).to_have_text("Failed")
    expect(pages.verdict(page, "contract")).to_have_text("Succeeded")
    result = page.get_by_text("Evaluation result", exact=True).locator("xpath=..").get_by_text("Failed", exact=True)
    assert pages.colour(result) == "red"
    expect(page.get_by_text("There are rows that nobody agreed to.")).to_be_visible()
    counts = page.locator("tr").filter(has=page.get_by_text("rows without consent", exact=True)).last
    expect(counts.locator("td").last).to_have_text(str(WITHDRAWN))


def test_the_graph_shows_what_failed_and_what_landed_nevertheless(browser, ui, run):
    pages.open_graph(browser.page, ui)
    assert pages.colour(pages.wait_for_state(browser.page, "customer_landing", "Materialized")) == "green"
    assert pages.colour(pages.wait_for_state(browser.page, "customer_trusted", "Failed")) == "red"


def test_nothing_below_it_is_run(browser, run):
    page = browser.page
    page.goto(run)
    expect(page.get_by_text("Errored (1)")).to_be_visible()
    expect(page.get_by_text("Succeeded (3)")).to_be_visible()
    not_executed = [*below("customer_trusted"), Participants.table(), MlRelease.table()]
    expect(page.get_by_text(f"Not executed ({len(not_executed)})")).to_be_visible()


def test_the_last_good_data_without_who_withdrew_is_what_readers_see(browser, ui, run, published, before, withdrew):
    after = contents(published)
    assert len(after["customer_landing"]) == len(before["customer_landing"]) + WITHDRAWN
    assert after["customer_trusted"] == [row for row in before["customer_trusted"] if not withdrew & set(row)]
    for table in below("customer_trusted"):
        assert set() < set(after[table]) <= set(before[table])
    pages.open_table(browser.page, ui, "customer_trusted")
    expect(pages.row_count(browser.page)).to_contain_text(str(len(before["customer_trusted"])))


def test_the_alert_is_delivered_and_leads_to_a_run_that_failed(ui, run, published, told, monkeypatch):
    for attempt in Retrying(stop=stop_after_delay(ALERT_SECONDS), wait=wait_fixed(0.5), reraise=True):
        with attempt:
            [message] = told.took
    # The standing audits that were started with the tables say of their own what is wrong now.
    assert message["title"].startswith("[STEDI] consent fails on customer_trusted")
    assert message["type"] == "failure"
    assert f"{WITHDRAWN} rows without consent" in message["message"]
    assert f"Run: {ui}/runs/" in message["message"]
    # The one started here, or the one that the sensor started because of the withdrawal.
    monkeypatch.setenv("DAGSTER_HOME", str(published.home / "dagster"))
    with dg.DagsterInstance.from_config(str(published.home / "dagster")) as instance:
        failed = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert message["message"].rpartition("/")[2] in {found.run_id for found in failed}


def test_the_ui_asks_nobody_but_this_machine_for_that_either(browser, ui, run):
    assert browser.hosts() == {"127.0.0.1"}
