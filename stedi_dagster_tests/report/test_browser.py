"""The page in a browser: in light and dark, on a phone, on paper, by itself."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster_tests.ui.pages import NORMAL, Browser, browsing

pytestmark = pytest.mark.browser

PHONE: Any = {"width": 360, "height": 740}

# The contrast (WCAG 2) of every text with what is painted behind it.
CONTRASTS = """() => {
    const rgb = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => rgb(colour).slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (rgb(colour)[3] !== 0) return colour;
        }
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
        if (!text || ['title', 'desc'].includes(element.tagName)) continue;
        const style = getComputedStyle(element);
        const [a, b] = [style[element.closest('svg') ? 'fill' : 'color'], behind(element)].map(light);
        found.push([text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def browser(page: Path, chromium: str) -> Iterator[Browser]:
    """A window of Chromium, opened once the report is made: Dagster runs nothing beside its loop."""
    with browsing(chromium) as browser:
        yield browser


@pytest.fixture
def shown(browser: Browser, page: Path) -> Page:
    """The report, opened as a file, as large as on a desk and in light."""
    browser.page.set_viewport_size(NORMAL)
    browser.page.emulate_media(media="screen", color_scheme="light")
    browser.page.goto(page.as_uri())
    return browser.page


def paper(page: Page) -> float:
    """How light the page's ground is, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def overflow(page: Page) -> int:
    """By how much the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_light_and_dark_are_each_legible(shown, scheme, light):
    shown.emulate_media(color_scheme=scheme)
    assert (paper(shown) > 200) is light
    assert (paper(shown) < 50) is not light
    contrasts = shown.evaluate(CONTRASTS)
    assert len(contrasts) > 150
    assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("width", [320, 360, 768, 1400])
def test_no_screen_is_too_narrow(shown, width):
    shown.set_viewport_size({"width": width, "height": 740})
    assert overflow(shown) == 0


def test_on_a_phone_a_wide_table_is_scrolled_in_its_box_and_its_caption_stays(shown):
    shown.set_viewport_size(PHONE)
    region = shown.get_by_role("region", name=re.compile("The tables"))
    hidden = region.evaluate("box => box.scrollWidth - box.clientWidth")
    assert hidden > 0
    region.focus()
    region.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    caption = region.locator("caption span").bounding_box()
    assert caption is not None
    assert caption["x"] >= 0
    assert caption["x"] + caption["width"] <= PHONE["width"]
    assert overflow(shown) == 0


def test_texts_of_the_funnel_stay_within_a_phone(shown):
    shown.set_viewport_size(PHONE)
    for text in shown.locator("svg text").all():
        place = text.bounding_box()
        assert place is not None
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= PHONE["width"]


def test_bars_are_as_long_as_their_numbers(shown):
    totals = [int(text.replace(",", "")) for text in shown.locator("svg .total").all_text_contents()]
    widths = [bar.evaluate("bar => bar.getBoundingClientRect().width") for bar in shown.locator("svg .bar").all()]
    assert totals[:2] == [17, 14]
    full = max(widths) / max(totals)
    assert widths == [pytest.approx(total * full, abs=1) for total in totals]


def test_the_funnel_is_read_out_in_words(shown):
    picture = shown.get_by_role("img", name="How many are left at each step")
    expect(picture).to_have_accessible_description(re.compile("^17 customer records, 14 people, 9 who agree"))


def test_it_has_a_language_one_first_heading_and_no_level_left_out(shown):
    assert shown.evaluate("document.documentElement.lang") == "en"
    assert shown.title().startswith("Consent report on stedi, ")
    levels = shown.locator("h1, h2, h3, h4, h5, h6").evaluate_all("all => all.map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_table_has_a_caption_and_every_column_a_heading(shown):
    tables = shown.locator("table").all()
    assert len(tables) == 6
    for table in tables:
        assert table.locator("caption").inner_text().strip()
        assert all(heading.inner_text() for heading in table.locator("thead th[scope=col]").all())
        assert table.locator("tbody th:not([scope])").count() == 0


def test_the_verdict_is_a_word_and_not_only_a_colour(shown):
    expect(shown.locator(".verdict")).to_have_text(f"Passed All {len(AUDITS)} audits passed.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_it_is_black_on_white_and_few_pages(shown, scheme):
    shown.emulate_media(media="print", color_scheme=scheme)
    assert paper(shown) == 255
    assert [(text, ratio) for text, ratio in shown.evaluate(CONTRASTS) if ratio < 4.5] == []
    printed = shown.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 3 <= pages <= 5


def test_on_paper_no_table_is_wider_than_it(shown):
    # The width of A4 less its margins.
    shown.set_viewport_size({"width": 680, "height": 1000})
    shown.emulate_media(media="print")
    widths = shown.locator("table").evaluate_all("all => all.map(one => one.scrollWidth)")
    assert max(widths) <= 680


def test_it_asks_for_nothing_and_runs_nothing(browser, page):
    window = browser.page.context.browser
    assert window is not None
    with window.new_page() as alone:
        said: list[str] = []
        asked: list[str] = []
        alone.on("console", lambda message: said.append(message.text))
        alone.on("pageerror", lambda error: said.append(str(error)))
        alone.on("request", lambda request: asked.append(request.url))
        alone.goto(page.as_uri())
        alone.wait_for_load_state("networkidle")
        assert said == []
        assert asked == [page.as_uri()]
        assert alone.locator("script, link, img, iframe, [src], [href], [style], [onclick]").count() == 0
    assert "url(" not in page.read_text(encoding="utf-8")
