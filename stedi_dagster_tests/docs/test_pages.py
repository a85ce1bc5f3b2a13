"""What the pages promise their readers; links and anchors within `docs/` are MkDocs' to check, in `make check`."""

import re
from pathlib import Path

import pytest

from docs.generator.sources import AUDITS, CHECKS
from stedi_dagster_tests.docs.pages import DOCS, REPOSITORY, code, headings, links

OUTSIDE = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = [*OUTSIDE, *sorted(DOCS.rglob("*.md"))]
DECISIONS = sorted((DOCS / "adr").glob("0*.md"))
MOST_WORDS = 1_200
# It names files that its reader makes; a test of its own follows it.
WITH_NEW_FILES = DOCS / "how-to" / "add-a-table.md"

_FOLDERS = ("stedi_dagster/", "stedi_dagster_tests/", "sql/", "docs/", "infra/", "bench/")
_DATE = re.compile(r"^- Date: (\d{4}-\d{2}-\d{2})$", re.MULTILINE)
_STATUS = re.compile(r"^- Status: (accepted|superseded|proposed|rejected)", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs and repository hosts make them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}


def test_the_readme_can_be_read_in_some_minutes():
    assert len((REPOSITORY / "README.md").read_text("utf-8").split()) < MOST_WORDS


@pytest.mark.parametrize("page", OUTSIDE, ids=lambda page: page.name)
def test_every_link_of_a_page_outside_docs_leads_somewhere(page):
    within = [link for link in links(page) if not link.startswith(("http://", "https://"))]
    lost = []
    for link in within:
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != WITH_NEW_FILES], ids=lambda page: str(page.relative_to(REPOSITORY))
)
def test_every_file_that_a_page_names_is_there(page):
    named = [text for text in code(page) if text.startswith(_FOLDERS) and re.fullmatch(r"[\w./-]+", text)]
    assert not [path for path in named if not (REPOSITORY / path).exists()]


def test_whoever_is_woken_by_a_check_or_an_audit_finds_its_name():
    """Every check of the gate and every standing audit has its own heading, and no heading is of none."""
    wanted = {*CHECKS, *(audit.check for audit in AUDITS)}
    found = headings(DOCS / "how-to" / "a-failed-check.md")
    assert sorted(name for name in found if re.fullmatch(r"[a-z_]+", name)) == sorted(wanted)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_when_it_was_made_and_against_what(page):
    text = page.read_text("utf-8")
    assert _DATE.search(text)
    assert _STATUS.search(text)
    assert {"Context", "Decision", "Alternatives", "Consequences"} <= set(headings(page))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_the_index_of_decisions_has_each_with_its_title_and_date(page):
    title = headings(page)[0].partition(". ")[2]
    date = _DATE.search(page.read_text("utf-8"))
    rows = [row for row in (DOCS / "adr" / "README.md").read_text("utf-8").splitlines() if f"({page.name})" in row]
    assert len(rows) == 1
    assert date
    assert f"| {date[1]} |" in rows[0]
    assert title.split(",")[0] in rows[0]
