"""The card's page in a browser: on a desk, on a phone, on paper, by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from stedi_dagster.releases.card import as_html
from stedi_dagster_tests.releases.builders import AWKWARD, COLUMNS, cut_again, emptied, export, release, revision
from stedi_dagster_tests.ui.pages import Browser, browsing

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A window of Chromium."""
    with browsing(chromium) as browser:
        yield browser


@pytest.fixture(params=["cut again", "emptied", "awkward"])
def shown(request, browser: Browser, tmp_path: Path) -> Page:
    """A card, opened as a file."""
    files = export(tmp_path, train_0=10, validation_0=2, test_0=3)
    cards = {
        "cut again": cut_again(),
        "emptied": emptied(),
        "awkward": release(revision(reason=AWKWARD), name="release" * 40, note="x" * 500 + AWKWARD),
    }
    file = tmp_path / "card.html"
    file.write_text(as_html(cards[request.param], COLUMNS, files), encoding="utf-8")
    browser.page.emulate_media(media="screen")
    browser.page.goto(file.as_uri())
    return browser.page


def test_texts_of_the_funnel_stay_within_a_phone(shown):
    shown.set_viewport_size({"width": 360, "height": 740})
    texts = shown.locator("svg text").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert len(texts) >= 18
    assert max(texts) <= 360


@pytest.mark.parametrize("width", [320, 400, 768, 1400])
def test_no_screen_is_too_narrow(shown, width):
    shown.set_viewport_size({"width": width, "height": 740})
    assert shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_on_paper_no_table_is_wider_than_it(shown):
    # The width of A4 less its margins.
    shown.set_viewport_size({"width": 680, "height": 1000})
    shown.emulate_media(media="print")
    assert max(shown.locator("table").evaluate_all("all => all.map(one => one.scrollWidth)")) <= 680


def test_it_has_one_first_heading_and_every_table_a_caption(shown):
    assert shown.locator("h1").count() == 1
    for table in shown.locator("table").all():
        assert table.locator("caption").inner_text().strip()
        assert all(heading.inner_text() for heading in table.locator("thead th[scope=col]").all())


def test_it_asks_for_nothing_and_says_nothing(shown):
    asked: list[str] = []
    said: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    shown.reload()
    assert (asked, said) == ([shown.url], [])
