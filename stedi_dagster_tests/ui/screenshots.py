"""`make screenshots`: the pictures of the documentation, by the same pages and the same story as the tests."""

import shutil
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from stedi_dagster.contracts import TABLES
from stedi_dagster.report.gather import beginning, gather
from stedi_dagster.report.page import render
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.ui import forgetful, pages
from stedi_dagster_tests.ui.server import serving
from stedi_dagster_tests.ui.story import generated_world, land_withdrawals

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
_MARGIN = 20
# The window is far wider than the page that shows it.
_PIXELS_OF_GRAPH = 0.5
# High enough for the report as far as its funnel.
_TALL: ViewportSize = {"width": 1100, "height": 1200}


def main() -> None:
    """Make them all anew."""
    chromium = pages.find_chromium()
    if chromium is None:
        sys.exit("make screenshots needs Chromium: on Debian, apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="stedi-screenshots-"))
    try:
        # Everything that is seen is made up. As long as nobody withdraws, the rule with the bug is the platform's own.
        scenario = generated_world(home, scale=1)
        with serving(scenario, definitions=forgetful.__name__) as ui, pages.browsing(chromium) as browser:
            _all_is_well(browser.page, ui)
            _report(browser.page, scenario, home / "report.html")
            land_withdrawals(scenario, people=2)
            _somebody_withdrew(browser.page, ui)
    finally:
        shutil.rmtree(home)


def _all_is_well(page: Page, ui: str) -> None:
    pages.open_job(page, ui, forgetful.__name__, "everything")
    pages.materialize_all(page)
    pages.open_graph(page, ui)
    for table in TABLES:
        pages.wait_for_state(page, table, "Materialized")
    pages.launch(page, ui, forgetful.__name__, "audit")
    assert page.context.browser is not None
    with page.context.browser.new_context(device_scale_factor=_PIXELS_OF_GRAPH) as context:
        _graph(context.new_page(), ui)
    pages.open_table(page, ui, "customer_trusted")
    expect(pages.row_count(page)).to_contain_text("482")
    assert pages.columns(page)
    _save(page, "customer_trusted")
    pages.open_table(page, ui, "customer_trusted", view="events")
    expect(page.get_by_role("img", name="kept and withheld rows")).to_be_visible()
    _save(page, "withheld")


def _graph(page: Page, ui: str) -> None:
    pages.open_graph(page, ui)
    page.get_by_text("Hide navigation", exact=True).click()
    for table in TABLES:
        expect(pages.box(page, table)).to_contain_text("Passed")
    _save(page, "graph", around="foreignObject.group")


def _report(page: Page, scenario: Scenario, file: Path) -> None:
    settings = scenario.load_settings()
    lakehouse = scenario.lakehouse()
    facts = gather(settings, lakehouse, consistent_read=nullcontext(), since_ms=beginning(None))
    file.write_text(render(facts), encoding="utf-8")
    page.set_viewport_size(_TALL)
    page.goto(file.as_uri())
    _save(page, "report", around="header, figure")


def _somebody_withdrew(page: Page, ui: str) -> None:
    pages.open_job(page, ui, forgetful.__name__, "everything")
    pages.materialize_all(page)
    pages.open_failed_run(page, ui)
    pages.open_table(page, ui, "customer_trusted", view="checks", checkDetail="consent")
    expect(pages.verdict(page, "consent")).to_have_text("Failed")
    expect(page.get_by_text("There are rows that nobody agreed to.")).to_be_visible()
    _save(page, "failed_consent")


def _save(page: Page, name: str, around: str = "body") -> None:
    """A picture of what is around the parts that a selector finds."""
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    parts = [part for locator in page.locator(around).all() if (part := locator.bounding_box())]
    left, top = (max(0, min(part[side] for part in parts) - _MARGIN) for side in ("x", "y"))
    right = max(part["x"] + part["width"] for part in parts) + _MARGIN
    bottom = max(part["y"] + part["height"] for part in parts) + _MARGIN
    clip = FloatRect(x=left, y=top, width=right - left, height=bottom - top)
    page.screenshot(path=FOLDER / f"{name}.png", clip=clip, animations="disabled")


if __name__ == "__main__":
    main()
