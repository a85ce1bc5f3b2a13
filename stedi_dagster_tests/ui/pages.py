"""The pages of the UI that the tests and the screenshots open: where they are, what to click, what they say."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, ViewportSize, expect, sync_playwright

from stedi_dagster.contracts import TABLES

WIDE: ViewportSize = {"width": 4400, "height": 3400}
"""Large enough for the graph to write the names out and to say what became of each table."""
NORMAL: ViewportSize = {"width": 1400, "height": 900}
# Generous: on a busy machine everything takes many times as long.
_RUN_SECONDS = 300
# Nothing that is waited for comes later than on a busy machine; the default of five seconds is for idle ones.
expect.set_options(timeout=_RUN_SECONDS * 1000)

# Every box of the graph, whether of a table or a group, and every edge, in the same coordinates.
_DRAWN = """svg => ({
    boxes: [...svg.querySelectorAll('foreignObject')].map(box => ({
        x: +box.getAttribute('x'), y: +box.getAttribute('y'),
        width: +box.getAttribute('width'), height: +box.getAttribute('height'),
        texts: [...box.querySelectorAll('*')].filter(part => !part.children.length).map(part => part.textContent),
        group: box.classList.contains('group'),
    })),
    edges: [...svg.querySelectorAll('path[marker-end]')].map(path => path.getAttribute('d')),
})"""
# Edges end a little before the box, for the arrow's head.
_ARROW = 10


def find_chromium() -> str | None:
    """Where Chromium is, or nothing."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Browser:
    """A window on a UI, and what it asked of whom."""

    page: Page
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.page.on("websocket", lambda socket: self.asked.add(socket.url))

    def hosts(self) -> set[str | None]:
        """Who was asked for anything; pictures that are part of a page are nobody's."""
        return {urlsplit(url).hostname for url in self.asked if urlsplit(url).scheme not in {"data", "blob"}}

    @contextmanager
    def page_of_somebody_else(self) -> Iterator[Page]:
        """Another window of the same browser, whose requests are not asked for."""
        assert self.page.context.browser is not None
        with self.page.context.browser.new_context() as context:
            yield context.new_page()


@contextmanager
def browsing(chromium: str, *, pixels: float = 1) -> Iterator[Browser]:
    """A window of a fresh Chromium.

    Args:
        chromium: where it is.
        pixels: for each of the page's own, in either direction. Nobody needs any who only reads the page, and drawing
            them takes most of the time.
    """
    with sync_playwright() as playwright:
        # Its sandbox does not work for root, as in containers; all it opens here are pages of ours.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport=NORMAL, device_scale_factor=pixels)
            page.set_default_timeout(_RUN_SECONDS * 1000)
            yield Browser(page)
        finally:
            browser.close()


@dataclass(frozen=True)
class Graph:
    """The asset graph with the groups of tables opened."""

    tables: dict[str, str]
    """Each table's group."""
    edges: set[tuple[str, str]]
    """What is made from what; of a group that is closed, only the group is drawn."""


def open_graph(page: Page, ui: str) -> None:
    """Open the graph of all tables, their groups opened."""
    page.set_viewport_size(WIDE)
    groups = ",".join(f"global@global:{group}" for group in ("landing", "trusted", "curated"))
    page.goto(f"{ui}/asset-groups?expanded={groups}")
    expect(page.get_by_text("machine_learning_curated", exact=True).first).to_be_visible()
    for table in TABLES:
        expect(box(page, table)).to_have_count(1)


def read_graph(page: Page) -> Graph:
    """What the open graph draws."""
    drawn = page.locator("svg:has(foreignObject)").evaluate(_DRAWN)
    groups = {part["texts"][0]: part for part in drawn["boxes"] if part["group"]}
    named = ((set(TABLES).intersection(part["texts"]), part) for part in drawn["boxes"] if not part["group"])
    tables = {name: part for names, part in named for name in names}
    layers = {name: next(group for group in groups if _within(part, groups[group])) for name, part in tables.items()}
    closed = {group: part for group, part in groups.items() if group not in layers.values()}
    return Graph(layers, {_edge(path, {**tables, **closed}) for path in drawn["edges"]})


def _within(inner: dict[str, float], outer: dict[str, float]) -> bool:
    return all(
        outer[at] <= inner[at] and inner[at] + inner[size] <= outer[at] + outer[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


def _edge(path: str, boxes: dict[str, Any]) -> tuple[str, str]:
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]
    start, end = numbers[:2], numbers[-2:]

    def at(point: list[float], side: float) -> str:
        [name] = [
            name
            for name, part in boxes.items()
            if abs(part["x"] + side * part["width"] - point[0]) <= _ARROW
            and part["y"] <= point[1] <= part["y"] + part["height"]
        ]
        return name

    return at(start, side=1), at(end, side=0)


def box(page: Page, table: str) -> Locator:
    """A table's box in the graph."""
    name = page.get_by_text(table, exact=True)
    return page.locator("foreignObject:not(.group)").filter(has=name)


def colour(locator: Locator) -> str:
    """Whether something is red or green, by what is behind it."""
    rgb = locator.evaluate(
        """element => {
            for (; element; element = element.parentElement) {
                const colour = getComputedStyle(element).backgroundColor.match(/[\\d.]+/g).map(Number);
                if (colour.length === 3 || colour[3] > 0) return colour;
            }
        }"""
    )
    red, green, blue = rgb[:3]
    return "green" if green > max(red, blue) else "red" if red > max(green, blue) else "neither"


def materialize_all(page: Page) -> None:
    """Press the button of the open graph or job, and see the run asked for."""
    with page.expect_request_finished(lambda request: "mutation Launch" in (request.post_data or "")):
        page.get_by_role("button", name="Materialize all").click()


def open_job(page: Page, ui: str, location: str, job: str) -> None:
    """Open a job's page."""
    page.goto(f"{ui}/locations/{location}/jobs/{job}")


def launch(page: Page, ui: str, location: str, job: str) -> None:
    """Start a job from its launchpad, and wait until its run has ended well."""
    page.goto(f"{ui}/locations/{location}/jobs/{job}/playground")
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url("**/runs/*-*")
    expect(page.get_by_text("Success", exact=True)).to_be_visible(timeout=_RUN_SECONDS * 1000)


def open_failed_run(page: Page, ui: str) -> None:
    """Open the page of the run that failed, once there is one."""
    page.goto(f"{ui}/runs?q[0]=status:FAILURE")
    link = page.locator("a[href^='/runs/']").first
    expect(link).to_be_visible(timeout=_RUN_SECONDS * 1000)
    link.click()
    page.wait_for_url("**/runs/*-*")


def wait_for_state(page: Page, table: str, state: str) -> Locator:
    """Wait until the open graph says so of a table; return where it says so."""
    said = box(page, table).get_by_text(state, exact=True)
    expect(said).to_be_visible(timeout=_RUN_SECONDS * 1000)
    return said


def open_table(page: Page, ui: str, table: str, view: str = "overview", **more: str) -> None:
    """Open a table's page: its overview, events or checks."""
    page.set_viewport_size(NORMAL)
    query = "&".join(f"{name}={value}" for name, value in {"view": view, **more}.items())
    page.goto(f"{ui}/assets/{table}?{query}")


def row_count(page: Page) -> Locator:
    """Where the open overview says how many rows there are."""
    return page.get_by_text("Row count", exact=True).locator("xpath=../..")


def columns(page: Page) -> dict[str, list[str]]:
    """What the open overview says of each column, by its name in small letters."""
    shown = page.locator("table:has(td:text-is('Column name')) tbody tr")
    expect(shown.first).to_be_visible()
    for row in shown.all():
        # The descriptions are drawn after the rest.
        expect(row.locator("p")).to_be_visible()
    rows = [[line for line in row.inner_text().splitlines() if line.strip()] for row in shown.all()]
    # Once a table is materialized, this UI writes its column names in small letters.
    return {line[0].strip().lower(): [text.strip() for text in line[1:]] for line in rows}


def verdict(page: Page, check: str) -> Locator:
    """What the open list of a table's checks says of one."""
    return page.get_by_title(check, exact=True).first.locator("xpath=following-sibling::span")
